"""The check of a data set refuses what breaks its contract; test_contracts.py shows that it lets pass what keeps it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mlfp.testing import ContractError, check_dataset
from mlfp.types.scan_table import ScanTable
from mlfp.types.volume import Volume

_growing = iter(range(99))


class Listing:
    def __init__(self, **columns: list[str]) -> None:
        self.columns = columns

    def table(self):
        return ScanTable(pd.DataFrame(self.columns))


class Reading(Listing):
    def __init__(self, read=None, key=None) -> None:
        super().__init__(scan=["a"], subject=["s"])
        self._read = read or (lambda row: Volume(np.ones((1, 4, 4)), scan=row["scan"]))
        self._key = key or (lambda row: "1")

    def read(self, row):
        return self._read(row)

    def key(self, row):
        return self._key(row)


class TestDataset:
    def test_good_ones(self):
        check_dataset(Listing(path=["/a.png"], subject=["s"]))
        check_dataset(Reading())

    @pytest.mark.parametrize(
        ("broken", "said"),
        [
            (Listing(path=["a.png"], subject=["s"]), "should be absolute"),
            (Listing(scan=["a"], subject=["s"]), "needs a column 'path'"),
            (Listing(scan=["a"]), "raised UsageError"),
            (Listing(scan=[], subject=[]), "raised|lists no scans"),
            (Reading(read=lambda row: np.ones((1, 4, 4))), "should give a Volume, gave ndarray"),
            (Reading(read=lambda row: Volume(np.ones((4, 4)), scan="a")), r"should give \(C, I, J\)"),
            (Reading(read=lambda row: Volume(np.full((1, 4, 4), np.nan), scan="a")), "not finite"),
            (Reading(read=lambda row: Volume(np.ones((1, 4, 4)))), "a volume of that scan"),
            (Reading(read=lambda row: Volume(np.ones((1, 4, 4)), np.eye(4), "a")), "affine should be 3 x 3"),
            (Reading(read=lambda row: Volume(np.random.default_rng().random((1, 4, 4)), scan="a")), "other pixels"),
            (Reading(key=lambda row: 3), "should give a text"),
            (Reading(key=lambda row: str(next(_growing))), "another key"),
        ],
    )
    def test_broken_ones(self, broken, said):
        with pytest.raises(ContractError, match=said):
            check_dataset(broken)
