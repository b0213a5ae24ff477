"""ChestX-ray14, its splits, and what is wrong with trees of it."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest
from mlfp_plugins.datasets.chestxray14 import ChestXray14

from mlfp.data.inspect import inspect
from mlfp.data.splits import split_by_column
from mlfp.errors import UsageError
from mlfp.testing.datasets import check_dataset


@pytest.fixture(scope="module")
def whole(trees: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trees.chest(tmp_path_factory.mktemp("chest") / "CXR14")


@pytest.fixture
def tree(whole: Path, tmp_path: Path) -> Path:
    return shutil.copytree(whole, tmp_path / "CXR14")


def about(table, kind: str) -> list[str]:
    return [item.about for item in table.remarks if item.kind == kind]


def test_the_tree_as_it_is_handed_out(whole: Path) -> None:
    dataset = ChestXray14(whole)
    check_dataset(dataset)
    table = dataset.table()
    assert (len(table), len(set(table.subjects)), table.remarks) == (21, 12, ())
    assert table.row(0) == {
        "scan": "00000001_000.png", "findings": "No Finding", "session": "0", "subject": "1", "age": "50", "sex": "M",
        "view": "PA", "modality": "X-ray", "dataset": "ChestX-ray14",
        "path": str(whole / "images_002/images/00000001_000.png"),
    }  # fmt: skip
    assert len(ChestXray14(whole, least=2).table()) == 18


def test_the_published_patient_split_is_that_of_its_files(whole: Path) -> None:
    table = ChestXray14(whole, split="packhaeuser").table()
    split = split_by_column(table)
    assert set(table.subjects[split.test]) == {"3", "6", "9", "12"}
    assert set(table.subjects[split.val]) == {"10"}
    assert table.remarks == ()
    moved = whole.parent / "elsewhere"
    if not moved.exists():
        shutil.copytree(whole / "csv_files", moved)
    assert ChestXray14(whole, split="packhaeuser", split_folder=moved).table().digest() == table.digest()


def test_the_official_split_gets_patients_to_validate_on_by_their_names(whole: Path) -> None:
    table = ChestXray14(whole, split="official", val=0.25).table()
    split = split_by_column(table)
    assert set(table.subjects[split.test]) == {"3", "6", "9", "12"}
    assert len(set(table.subjects[split.val])) == 3
    none = ChestXray14(whole, split="official", val=0).table()
    assert len(split_by_column(none).val) == 0


def test_mistakes_are_named_and_cost_nothing_else(tree: Path) -> None:
    first, second = tree / "images_001/images", tree / "images_002/images"
    (first / "00000002_000.png").rename(first / "00000002_000.PNG")
    (first / "00000004_000.png").unlink()
    (second / "00000005_000.png").write_bytes(b"not read")
    shutil.copy(second / "00000001_000.png", first / "00000001_000.png")
    shutil.copy(second / "00000001_000.png", first / "99999999_000.png")
    entries = pd.read_csv(tree / "Data_Entry_2017_v2020.csv", dtype=str)
    entries.loc[entries["Image Index"] == "00000007_001.png", "Patient ID"] = "8"
    entries.to_csv(tree / "Data_Entry_2017_v2020.csv", index=False)
    dataset = ChestXray14(tree)
    table = dataset.table()
    assert len(table) == 20
    assert about(table, "upper-case suffix") == ["images_001/images/00000002_000.PNG"]
    assert about(table, "missing picture") == ["00000004_000.png"]
    assert about(table, "picture twice") == ["images_002/images/00000001_000.png"]
    assert about(table, "picture without entry") == ["99999999_000.png"]
    assert about(table, "id conflict") == ["00000007_001.png"]
    found = inspect(table, dataset)
    assert [item.scan for item in found.failures] == ["00000005_000.png"]


def test_a_subject_in_two_splits_keeps_its_scans_on_the_side_that_is_tested(tree: Path) -> None:
    path = tree / "csv_files" / "train.csv"
    train, test = pd.read_csv(path, dtype=str), pd.read_csv(tree / "csv_files" / "test.csv", dtype=str)
    moved = test[test["Image Index"].isin(["00000003_001.png"])]
    pd.concat([train, moved]).to_csv(path, index=False)
    test[test["Image Index"] != "00000003_001.png"].to_csv(tree / "csv_files" / "test.csv", index=False)
    twice = pd.read_csv(tree / "csv_files" / "test.csv", dtype=str).iloc[[1]]
    pd.concat([pd.read_csv(path, dtype=str), twice]).to_csv(path, index=False)
    table = ChestXray14(tree, split="packhaeuser").table()
    split = split_by_column(table)
    assert set(table.scans[split.test][:1]) == {"00000003_000.png"}
    assert "00000003_001.png" not in table.scans
    assert about(table, "subject in two splits") == ["3"]
    assert about(table, "picture in two splits") == list(twice["Image Index"])
    assert len(table) == 20


def test_pictures_that_no_list_has_follow_their_subject(tree: Path) -> None:
    path = tree / "csv_files" / "test.csv"
    pd.read_csv(path, dtype=str).query("`Image Index` != '00000003_001.png'").to_csv(path, index=False)
    (tree / "csv_files" / "train_single_files.csv").unlink()
    table = ChestXray14(tree, split="packhaeuser").table()
    sides = dict(zip(table.scans, table.column("split"), strict=True))
    assert sides["00000003_001.png"] == "test"
    assert sides["00000004_000.png"] == "train"
    assert set(about(table, "picture in no split")) == {"00000003_001.png", "00000004_000.png", "00000008_000.png"}


def test_what_is_wrong_is_said(tree: Path) -> None:
    shutil.rmtree(tree / "csv_files")
    with pytest.raises(UsageError, match="no patient split") as caught:
        ChestXray14(tree, split="packhaeuser").table()
    assert "split: official" in str(caught.value)
    (tree / "test_list.txt").unlink()
    with pytest.raises(UsageError, match=r"no test_list\.txt"):
        ChestXray14(tree, split="official").table()
    shutil.rmtree(tree / "images_001")
    shutil.rmtree(tree / "images_002")
    with pytest.raises(UsageError, match="none of the 21 pictures"):
        ChestXray14(tree).table()
    (tree / "Data_Entry_2017_v2020.csv").rename(tree / "Data_Entry.csv")
    with pytest.raises(UsageError, match=r"no Data_Entry_2017_v2020\.csv") as caught:
        ChestXray14(tree).table()
    assert "Data_Entry.csv" in str(caught.value)
