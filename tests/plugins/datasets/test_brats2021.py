"""BraTS 2021, and what is wrong with trees of it."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import ModuleType

import pytest
from mlfp_plugins.datasets.brats2021 import Brats2021

from mlfp.data.inspect import inspect
from mlfp.data.splits import split_subjects
from mlfp.errors import ParameterError, UsageError
from mlfp.testing.datasets import check_dataset
from mlfp.types.remark import by_kind


@pytest.fixture(scope="module")
def whole(trees: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trees.brats2021(tmp_path_factory.mktemp("brats"))


@pytest.fixture
def tree(whole: Path, tmp_path: Path) -> Path:
    """A copy to make mistakes in."""
    return shutil.copytree(whole, tmp_path / "BraTS2021")


def kinds(table) -> dict[str, list[str]]:
    return {kind: [item.about for item in items] for kind, items in by_kind(table.remarks).items()}


def test_the_tree_as_it_is_handed_out(whole: Path) -> None:
    dataset = Brats2021(whole)
    check_dataset(dataset)
    table = dataset.table()
    assert (len(table), len(set(table.subjects)), table.remarks) == (20, 5, ())
    assert list(table.column("modality")[:4]) == ["t1", "t1ce", "t2", "flair"]
    assert table.scans[1] == "BraTS2021_00000_t1ce"
    split = split_subjects(table, val=0.2, test=0.4)
    assert len(set(table.subjects[split.test])) == 2


def test_chosen_modalities_and_folders_above_the_subjects(whole: Path, tmp_path: Path) -> None:
    (tmp_path / "all" / "TrainingData").mkdir(parents=True)
    (tmp_path / "all" / "TrainingData" / "16_Jul").symlink_to(whole, target_is_directory=True)
    table = Brats2021(tmp_path / "all", modalities=["flair", "t1"]).table()
    assert list(table.column("modality")) == ["flair", "t1"] * 5
    assert table.remarks == ()


def test_mistakes_are_named_and_cost_nothing_else(tree: Path) -> None:
    def file(subject: int, name: str) -> Path:
        return tree / f"BraTS2021_{subject:05d}" / f"BraTS2021_{subject:05d}_{name}"

    file(0, "t2.nii.gz").unlink()
    file(1, "t1.nii.gz").rename(file(1, "T1.NII.GZ"))
    import nibabel as nib

    nib.save(nib.load(file(2, "flair.nii.gz")), file(2, "flair.nii"))
    file(2, "flair.nii.gz").unlink()
    file(3, "t1ce.nii.gz").write_bytes(b"not read")
    shutil.copytree(tree / "BraTS2021_00004", tree / "validation" / "BraTS2021_00004")
    shutil.copy(file(4, "t1.nii.gz"), tree / "BraTS2021_00003" / "BraTS2021_00004_t1.nii.gz")
    dataset = Brats2021(tree)
    table = dataset.table()
    assert len(table) == 19
    assert kinds(table) == {
        "missing modality": ["BraTS2021_00000"],
        "upper-case suffix": ["BraTS2021_00001/BraTS2021_00001_T1.NII.GZ"],
        "uncompressed NIfTI": ["BraTS2021_00002/BraTS2021_00002_flair.nii"],
        "wrong name": ["BraTS2021_00003/BraTS2021_00004_t1.nii.gz"],
        "subject twice": ["BraTS2021_00004"],
    }
    found = inspect(table, dataset)
    assert [item.scan for item in found.failures] == ["BraTS2021_00003_t1ce"]
    assert sum(found.shapes.values()) == 18


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    (tmp_path / "sub-01").mkdir()
    with pytest.raises(UsageError, match="no scan of BraTS 2021"):
        Brats2021(tmp_path).table()
    with pytest.raises(UsageError, match="there is no folder"):
        Brats2021(tmp_path / "nowhere").table()
    with pytest.raises(ParameterError, match="lists none"):
        Brats2021(tmp_path, modalities=[]).table()
