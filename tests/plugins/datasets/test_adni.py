"""ADNI, the 180-day rule in its two readings, and what is wrong with trees of it."""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlfp_plugins.datasets.adni import Adni
from mlfp_plugins.datasets.intervals import binned, spaced

from mlfp.data.inspect import inspect
from mlfp.errors import ParameterError, UsageError
from mlfp.testing.datasets import check_dataset


@pytest.fixture(scope="module")
def whole(trees: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trees.adni(tmp_path_factory.mktemp("adni"))


@pytest.fixture
def tree(whole: Path, tmp_path: Path) -> Path:
    return shutil.copytree(whole, tmp_path / "data")


def about(table, kind: str) -> list[str]:
    return [item.about for item in table.remarks if item.kind == kind]


def test_the_tree_as_loni_packs_it(whole: Path) -> None:
    dataset = Adni(whole)
    check_dataset(dataset)
    table = dataset.table()
    assert (len(table), len(set(table.subjects)), table.remarks) == (15, 5, ())
    row = table.row(1)
    assert row.pop("path").endswith("I10001/ADNI_002_S_0000_MR_MPRAGE_br_raw_20060418_1_S1_I10001.nii")
    assert row == {
        "scan": "002_S_0000_I10001", "subject": "002_S_0000", "session": "2006-11-02", "date": "2006-11-02",
        "modality": "T1", "site": "002", "description": "MPRAGE", "diagnosis": "CN", "sex": "M", "age": "71",
        "visit": "m06", "dataset": "ADNI",
    }  # fmt: skip
    assert inspect(table, dataset, read=False).days[0] == 198


def test_the_folder_adni_itself_and_without_any_table(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole / "ADNI", tmp_path / "ADNI")
    table = Adni(tmp_path / "ADNI").table()
    assert list(table.column("date")) == list(Adni(whole).table().column("date"))
    assert set(table.column("diagnosis")) == {""}


def test_files_in_one_folder_are_told_by_the_table(whole: Path, tmp_path: Path) -> None:
    for file in (whole / "ADNI").rglob("*.nii"):
        shutil.copy(file, tmp_path)
    with pytest.raises(UsageError, match="no scan of ADNI"):
        Adni(tmp_path).table()
    shutil.copy(whole / "ADNI_collection.csv", tmp_path / "mine.csv")
    table = Adni(tmp_path).table()
    assert list(table.scans) == list(Adni(whole).table().scans)
    assert list(table.column("date")) == list(Adni(whole).table().column("date"))


def test_a_manifest_of_prepared_scans_goes_by_the_same_rules(whole: Path, tmp_path: Path) -> None:
    frame = Adni(whole).table().frame
    frame.drop(columns="scan").to_csv(tmp_path / "scans.csv", index=False)
    table = Adni(tmp_path / "scans.csv", min_days=300).table()
    assert list(table.column("date")[:2]) == ["2006-04-18", "2007-05-20"]
    frame.drop(columns=["scan", "date"]).to_csv(tmp_path / "scans.csv", index=False)
    with pytest.raises(UsageError, match="no column 'date'"):
        Adni(tmp_path / "scans.csv").table()


def test_descriptions_choose(tree: Path) -> None:
    first = tree / "ADNI" / "002_S_0000"
    (first / "MPRAGE").rename(first / "Localizer")
    assert len(Adni(tree, descriptions=["*mprage*"]).table()) == 12
    with pytest.raises(UsageError, match="no scan of ADNI"):
        Adni(tree, descriptions=["FLAIR"]).table()


def test_strict_and_binned_differ_where_scans_lie_at_a_border() -> None:
    days = [0, 170, 181, 350, 361]
    assert spaced(days, 180) == [0, 2, 4]
    assert binned(days, 180) == [0, 2, 4]
    days = [0, 179, 185]
    assert spaced(days, 180) == [0, 2]
    assert binned(days, 180) == [0, 2]
    days = [0, 100, 350, 365]
    assert spaced(days, 180) == [0, 2]
    assert binned(days, 180) == [0, 2, 3]  # 15 days apart
    assert spaced([0, 100], 180) == [0]
    assert binned([0, 100], 180) == []


@given(st.lists(st.integers(0, 3000), min_size=1, max_size=20).map(sorted), st.integers(1, 400))
def test_rules_against_slow_references(days: list[int], gap: int) -> None:
    kept = [days[place] for place in spaced(days, gap)]
    assert kept[0] == days[0]
    assert all(later - earlier >= gap for earlier, later in pairwise(kept))
    # Whoever was left out lies too near to the last one kept before.
    assert all(day - max(item for item in kept if item <= day) < gap for day in days)
    chosen: dict[int, int] = {}
    for place, day in enumerate(days):
        chosen.setdefault((day - days[0]) // gap, place)
    assert binned(days, gap) == (list(chosen.values()) if days[-1] - days[0] >= gap else [])


def test_the_rules_on_a_tree_say_what_they_leave_out(trees: ModuleType, tmp_path: Path) -> None:
    trees.adni(tmp_path, subjects=2, days=("2006-04-18", "2006-08-01", "2007-04-10", "2007-05-20"))
    strict = Adni(tmp_path, min_days=180).table()
    assert list(strict.column("date")) == ["2006-04-18", "2007-04-10"] * 2
    assert [str(item).partition(": ")[2] for item in strict.remarks] == [
        "4 scans left out by the rule (strict), and 0 subjects with all of theirs"
    ]
    loose = Adni(tmp_path, min_days=180, rule="binned").table()
    assert list(loose.column("date")) == ["2006-04-18", "2007-04-10", "2007-05-20"] * 2
    with pytest.raises(UsageError, match="no subject"):
        Adni(tmp_path, min_days=500, rule="binned").table()


def test_mistakes_are_named_and_cost_nothing_else(trees: ModuleType, tree: Path) -> None:
    top = tree / "ADNI"
    # A second picture of the same day, an upper-case ending, a damaged file, a table that says another subject.
    again = top / "002_S_0000/MPRAGE/2006-04-18_08_20_30.0/I10009"
    trees.write(again / "ADNI_002_S_0000_MR_MPRAGE_I10009.nii", 0)
    upper = next((top / "003_S_0001").rglob("*.nii"))
    upper.rename(upper.with_name(upper.name[:-4] + ".NII"))
    broken = next((top / "004_S_0002").rglob("*_I10020.nii"))
    broken.write_bytes(b"")
    trees.write(top / "readme" / "unknown.nii", 0)
    table = pd.read_csv(tree / "ADNI_collection.csv", dtype=str)
    table.loc[table["Image Data ID"] == "I10041", "Subject"] = "099_S_9999"
    table.to_csv(tree / "ADNI_collection.csv", index=False)
    dataset = Adni(tree)
    found = dataset.table()
    assert len(found) == 15
    assert about(found, "duplicate session") == ["002_S_0000"]
    assert "I10000 is used, not 002_S_0000_I10009" in str(found.remarks[-1])
    assert about(found, "upper-case suffix") == [str(upper.relative_to(tree))[:-4] + ".NII"]
    assert about(found, "unknown scan") == ["ADNI/readme/unknown.nii"]
    assert [name.rpartition("_")[2] for name in about(found, "id conflict")] == ["I10041.nii"]
    assert [item.scan for item in inspect(found, dataset).failures] == ["004_S_0002_I10020"]


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="min_days"):
        Adni(tmp_path, min_days=-1)
    with pytest.raises(UsageError, match="there is no table"):
        Adni(tmp_path, csv=tmp_path / "no.csv").table()
    (tmp_path / "other.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(UsageError, match="no table of LONI"):
        Adni(tmp_path, csv=tmp_path / "other.csv").table()
