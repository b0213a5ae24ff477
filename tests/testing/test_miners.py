"""The check of a miner refuses what breaks its contract; test_contracts.py shows that it lets pass what keeps it."""

from __future__ import annotations

import pytest
import torch

from mlfp.testing import ContractError, check_miner


def miner_from(choose):
    """A miner of all pairs of which ``choose`` makes the result."""

    def mine(embeddings, labels, ref_emb=None, ref_labels=None):
        others = labels if ref_labels is None else ref_labels
        alike = labels[:, None] == others[None]
        if ref_labels is None:
            alike.fill_diagonal_(False)
        return choose(*alike.nonzero().T, *(labels[:, None] != others[None]).nonzero().T)

    return mine


class TestMiner:
    def test_a_good_one(self):
        check_miner(miner_from(lambda a, p, b, n: (a, p, b, n)))

    @pytest.mark.parametrize(
        ("choose", "said"),
        [
            (lambda a, p, b, n: (a, p), "3 or 4 vectors of rows, gave 2"),
            (lambda a, p, b, n: (a, p[1:], b, n), "lengths"),
            (lambda a, p, b, n: (a.int(), p, b, n), "int64 vectors, gave torch.int32"),
            (lambda a, p, b, n: (a, p + 99, b, n), "outside the batch"),
            (lambda a, p, b, n: (b, n, b, n), "a positive shows another subject"),
            (lambda a, p, b, n: (a, p, a, p), "a negative shows the same subject"),
            (lambda a, p, b, n: (a[:0], p[:0], b[:0], n[:0]), "finds nothing"),
            (lambda a, p, b, n: (a, a, b, n), "its own positive"),
            (lambda a, p, b, n: (a, p, b, n)[:: (1, -1)[len(a) == 0]] if a[0] >= 0 else None, "raised IndexError"),
            (lambda a, p, b, n: (a, p, b, n) if torch.rand(()) < 2 else None, "torch's global generator"),
        ],
    )
    def test_broken_ones(self, choose, said):
        with pytest.raises(ContractError, match=said):
            check_miner(miner_from(choose))
