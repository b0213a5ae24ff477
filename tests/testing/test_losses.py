"""The check of a loss refuses what breaks its contract; test_contracts.py shows that it lets pass what keeps it."""

from __future__ import annotations

import pytest
import torch

from mlfp.testing import ContractError, check_loss


def pulling(embeddings, labels, indices_tuple=None):
    """A good loss to break: the mean distance of rows of one subject."""
    alike = labels[:, None] == labels[None]
    return (torch.cdist(embeddings, embeddings) * alike).sum() / alike.sum()


def averaging(embeddings, labels, indices_tuple=None):
    """A mean over what was mined, which is none of nothing."""
    if indices_tuple is None:
        return pulling(embeddings, labels)
    return (embeddings[indices_tuple[0]] - embeddings[indices_tuple[1]]).square().sum(1).mean()


class TestLoss:
    def test_good_ones(self):
        check_loss(pulling)
        check_loss(lambda z1, z2: (z1 - z2).square().mean() + z1.square().mean())

    @pytest.mark.parametrize(
        ("broken", "said"),
        [
            (lambda embeddings, labels: torch.cdist(embeddings, embeddings).mean(1), "scalar, gave shape"),
            (lambda embeddings, labels: 0.0, "should give a tensor, gave float"),
            (lambda embeddings, labels: torch.zeros(()), "not connected to the embeddings"),
            (lambda embeddings, labels: embeddings.sum() * 0, "nothing would be trained"),
            (lambda embeddings, labels: (embeddings * 0).sum().log(), "is -inf"),
            (
                lambda embeddings, labels: embeddings[0].square().sum(),
                "when the rows of the batch come in another order",
            ),
            (lambda embeddings, labels: pulling(embeddings, labels) * torch.rand(()), "torch's global generator"),
            (lambda embeddings, labels: embeddings.norm(dim=1).square().sqrt().sum(), "gradient that is not finite"),
            (lambda embeddings, labels: embeddings.exp().sum(), "on embeddings of length 1000 is inf"),
            (lambda z1, z2: (z1 / (z1 - z2)).sum(), "identical embeddings is"),
            (averaging, "on no mined rows is nan"),
            (lambda embeddings: embeddings.sum(), "should take"),
        ],
    )
    def test_broken_ones(self, broken, said):
        with pytest.raises(ContractError, match=said):
            check_loss(broken)
