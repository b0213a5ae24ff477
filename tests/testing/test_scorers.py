"""The check of a scorer refuses what breaks its contract; test_contracts.py shows that it lets pass what keeps it."""

from __future__ import annotations

import pytest
import torch

from mlfp.testing import ContractError, check_scorer


class Negative:
    """A good scorer to break: the negative mean distance of pixels."""

    symmetric = False

    def describe(self, images):
        return images.flatten(1)

    def score(self, queries, gallery):
        return -torch.cdist(queries, gallery)


class Upside(Negative):
    def score(self, queries, gallery):
        return torch.cdist(queries, gallery)


class Relative(Negative):
    def score(self, queries, gallery):
        return super().score(queries, gallery).softmax(1)


class Centred(Negative):
    def describe(self, images):
        return (images - images.mean(0)).flatten(1)


class Lopsided(Negative):
    symmetric = True

    def score(self, queries, gallery):
        return super().score(queries, gallery) + 1e-2 * gallery.sum(1)


class Wide(Negative):
    def score(self, queries, gallery):
        return super().score(queries, gallery).double()


class OfTables:
    """Tells scans by the number that their file is named by."""

    def __init__(self, *, of_all: bool = False):
        self.of_all = of_all

    def describe_table(self, table):
        told = torch.tensor([float(path.rsplit("/")[-1].split(".")[0]) for path in table.column("path")])
        return (told - told.mean() if self.of_all else told)[:, None]

    def score(self, queries, gallery):
        return -torch.cdist(queries, gallery)


class TestScorer:
    @pytest.mark.parametrize("dims", [2, 3])
    def test_a_good_one(self, dims):
        check_scorer(Negative(), spatial_dims=dims)
        check_scorer(OfTables(), spatial_dims=dims)

    @pytest.mark.parametrize(
        ("broken", "said"),
        [
            (Upside(), "most alike should be the copies"),
            (Relative(), "depends on the block"),
            (Centred(), "depends on the other images"),
            (Lopsided(), "says that it is symmetric"),
            (Wide(), "should give float32"),
            (OfTables(of_all=True), "depends on the other images"),
        ],
    )
    def test_broken_ones(self, broken, said):
        with pytest.raises(ContractError, match=said):
            check_scorer(broken, spatial_dims=2)
