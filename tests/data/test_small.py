from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mlfp.data.small import small
from mlfp.types.scan_table import ScanTable
from mlfp.types.volume import Volume


class Blob:
    """A data set of one volume that counts how often it is read."""

    def __init__(self) -> None:
        self.reads = 0

    def table(self) -> ScanTable:
        return ScanTable(pd.DataFrame({"scan": ["a"], "subject": ["1"]}))

    def key(self, row: object) -> str:
        return "content"

    def read(self, row: object) -> Volume:
        self.reads += 1
        axes = np.meshgrid(*[np.linspace(-1, 1, 24)] * 3, indexing="ij")
        radius = np.sqrt(sum(axis**2 for axis in axes))
        return Volume(np.where(radius < 0.8, 1 + np.cos(7 * radius), 0)[None].astype(np.float32), np.diag([3, 3, 3, 1]))


@pytest.mark.parametrize("key", ["", "content"])
def test_it_is_the_same_whether_it_comes_from_the_cache_or_not(tmp_path, key):
    dataset = Blob()
    first, second = (small(dataset, {"scan": "a"}, key, cache=tmp_path) for _ in range(2))
    assert dataset.reads == (1 if key else 2)
    np.testing.assert_array_equal(first.data, second.data)
    np.testing.assert_array_equal(first.affine, second.affine)
    assert first.data.dtype == second.data.dtype == np.float32
    assert first.scan == second.scan
