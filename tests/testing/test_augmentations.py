"""The check of an augmentation refuses what breaks its contract.

That it lets pass what keeps it is shown by test_contracts.py.
"""

from __future__ import annotations

import pytest
import torch

from mlfp.testing import ContractError, check_augmentation


class Brighter:
    """A good augmentation to break."""

    def draw(self, generators, batch):
        return torch.stack([torch.rand(1, generator=generator) for generator in generators])

    def apply(self, batch, parameters):
        return batch + parameters.view(-1, *[1] * (batch.ndim - 1))


class DrawsLate(Brighter):
    def apply(self, batch, parameters):
        return batch + torch.rand(len(batch)).view(-1, *[1] * (batch.ndim - 1))


class OfNeighbours(Brighter):
    def draw(self, generators, batch):
        return super().draw(generators, batch) * len(generators)


class Still(Brighter):
    def apply(self, batch, parameters):
        return batch


class Shrinking(Brighter):
    def apply(self, batch, parameters):
        return batch[..., 1:]


class Scoped(Brighter):
    scope = "session"


class Unfinished:
    draw = Brighter.draw


class TestAugmentation:
    def test_good_ones(self):
        check_augmentation(Brighter(), spatial_dims=2)
        check_augmentation(lambda image: image * torch.rand(()), spatial_dims=3)

    @pytest.mark.parametrize(
        ("broken", "said"),
        [
            (DrawsLate(), "draws at random|global generator"),
            (OfNeighbours(), "depends on the others of its batch"),
            (Still(), "same result for 16 different generators"),
            (Shrinking(), "raised|keep the shape"),
            (Scoped(), "scope should be 'view' or 'subject'"),
            (Unfinished(), "neither 'apply' nor 'locate'"),
        ],
    )
    def test_broken_ones(self, broken, said):
        with pytest.raises(ContractError, match=said):
            check_augmentation(broken, spatial_dims=2)
