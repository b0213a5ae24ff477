"""The check of an index refuses what breaks its contract; test_contracts.py shows that it lets pass what keeps it."""

from __future__ import annotations

import numpy as np
import pytest

from mlfp.testing import ContractError, check_index


class Exhaustive:
    """A good index to break."""

    def __init__(self) -> None:
        self.ids, self.rows = np.zeros(0, dtype=object), np.zeros((0, 6), dtype=np.float32)

    def add(self, ids, vectors):
        self.ids = np.concatenate([self.ids, np.array(ids, dtype=object)])
        self.rows = np.concatenate([self.rows, vectors / np.linalg.norm(vectors, axis=1, keepdims=True)])

    def search(self, vectors, k, where=None):
        keep = np.array([where is None or where(item) for item in self.ids])
        scores = vectors / np.linalg.norm(vectors, axis=1, keepdims=True) @ self.rows[keep].T
        order = np.argsort(-scores, axis=1)[:, :k]
        return self.ids[keep][order], np.take_along_axis(scores, order, 1)

    def remove(self, ids):
        keep = ~np.isin(self.ids, ids)
        self.ids, self.rows = self.ids[keep], self.rows[keep]

    def save(self, path):
        np.savez(path.with_suffix(".npz"), ids=self.ids.astype(str), rows=self.rows)

    def load(self, path):
        found = np.load(path.with_suffix(".npz"))
        self.ids, self.rows = found["ids"].astype(object), found["rows"]


class Worst(Exhaustive):
    def search(self, vectors, k, where=None):
        ids, scores = super().search(vectors, k, where)
        return ids[:, ::-1], scores[:, ::-1]


class Unfiltered(Exhaustive):
    def search(self, vectors, k, where=None):
        return super().search(vectors, k)


class Unforgetting(Exhaustive):
    def remove(self, ids): ...


class Rounding(Exhaustive):
    def load(self, path):
        super().load(path)
        self.rows = np.round(self.rows)


class TestIndex:
    def test_a_good_one(self, tmp_path):
        check_index(Exhaustive, tmp_path)

    @pytest.mark.parametrize(
        ("broken", "said"),
        [
            (Worst, "its own nearest neighbour"),
            (Unfiltered, "outside 'where'"),
            (Unforgetting, "still finds what was removed"),
            (Rounding, "once saved and loaded"),
        ],
    )
    def test_broken_ones(self, broken, said, tmp_path):
        with pytest.raises(ContractError, match=said):
            check_index(broken, tmp_path)
