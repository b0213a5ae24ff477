from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlfp.data.files import read_row
from mlfp.data.write import write_manifest, write_scans
from mlfp.errors import ScanError, UsageError
from mlfp.plugins import registry
from mlfp.types.scan_table import ScanTable
from mlfp.types.spec import Spec
from mlfp.types.volume import Volume


class Made:
    """Two scans of one subject, made from their ids."""

    def __init__(self, shape: tuple[int, ...] = (1, 4, 5, 6)) -> None:
        self.shape = shape

    def table(self) -> ScanTable:
        return ScanTable(pd.DataFrame({"scan": ["a/1", "a 2"], "subject": ["007", "007"], "age": [40.5, 41.5]}))

    def read(self, row: Mapping[str, Any]) -> Volume:
        data = np.arange(np.prod(self.shape), dtype=np.float32).reshape(self.shape) + float(row["age"])
        affine = np.diag([2.0, 3.0, 4.0, 1.0])
        affine[:3, 3] = (-5, 6, 7)
        return Volume(data, affine, str(row["scan"]))

    def key(self, row: Mapping[str, Any]) -> str:
        return str(row["scan"])


def test_what_is_written_is_read_back_the_same(tmp_path: Path) -> None:
    manifest = write_scans(Made(), tmp_path, workers=1)
    read = registry().build("dataset", Spec("manifest", {"path": str(manifest)}))
    table = read.table()
    assert list(table.subjects) == ["007", "007"]
    assert list(table.scans) == ["a/1", "a 2"]
    for made_row, row in zip(Made().table(), table, strict=True):
        made, found = Made().read(made_row), read_row(read, row)
        np.testing.assert_array_equal(found.data, made.data)
        np.testing.assert_allclose(found.affine, made.affine)


def test_the_folder_can_be_moved(tmp_path: Path) -> None:
    write_scans(Made(), tmp_path / "old", workers=1)
    moved = (tmp_path / "old").rename(tmp_path / "new")
    table = registry().build("dataset", Spec("manifest", {"path": str(moved / "scans.csv")})).table()
    assert all(Path(path).is_file() for path in table.column("path"))


def test_a_manifest_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "scans.csv").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="there is a manifest already"):
        write_scans(Made(), tmp_path)
    assert (tmp_path / "scans.csv").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("shape", [(2, 4, 5, 6), (1, 4, 5)])
def test_what_a_nifti_volume_cannot_hold_is_refused_and_no_manifest_written(
    shape: tuple[int, ...], tmp_path: Path
) -> None:
    with pytest.raises(ScanError, match="only volumes of one channel"):
        write_scans(Made(shape), tmp_path, workers=1)
    assert not (tmp_path / "scans.csv").exists()


def test_paths_are_written_relative_to_the_manifest(tmp_path: Path) -> None:
    table = ScanTable(pd.DataFrame({"path": [str(tmp_path / "data" / "a.nii")], "subject": ["1"]}))
    write_manifest(table, tmp_path / "splits" / "s.csv")
    assert pd.read_csv(tmp_path / "splits" / "s.csv")["path"].tolist() == ["../data/a.nii"]


def test_a_scan_without_a_file_keeps_its_row(tmp_path: Path) -> None:
    table = ScanTable(pd.DataFrame({"scan": ["1", "2"], "path": ["", str(tmp_path / "a.nii")], "subject": ["1", "2"]}))
    write_manifest(table, tmp_path / "s.csv")
    assert pd.read_csv(tmp_path / "s.csv", keep_default_na=False)["path"].tolist() == ["", "a.nii"]
