from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest
from mlfp_plugins.datasets.trees import glimpse

from mlfp.data.locate import locate
from mlfp.data.recognise import Recognised, recognise
from mlfp.errors import UsageError
from mlfp.registry import Component, Registry
from mlfp.types.spec import Spec


def test_a_file_is_a_manifest(tmp_path: Path) -> None:
    path = tmp_path / "anything.tsv"
    path.write_text("subject\tpath\n", encoding="utf-8")
    assert locate(str(path)) == Spec("manifest", {"path": str(path)})


@pytest.mark.parametrize("name", ["scans.csv", "scans.tsv", "scans.parquet"])
def test_a_folder_with_a_manifest_is_read_by_it(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"")
    assert locate(str(tmp_path)) == Spec("manifest", {"path": str(tmp_path / name)})


def test_any_other_folder_is_read_by_its_file_names(tmp_path: Path) -> None:
    assert locate(str(tmp_path)) == Spec("folder", {"path": str(tmp_path)})


TREES = {"bids": "bids", "brats2021": "brats2021", "chest": "chestxray14", "adni": "adni", "dicom": "dicom"}


@pytest.mark.parametrize("maker", TREES)
def test_a_folder_is_read_as_the_data_set_whose_layout_it_shows(maker: str, trees: ModuleType, tmp_path: Path) -> None:
    top = getattr(trees, maker)(tmp_path / "tree", 1)
    heard: list[str] = []
    assert locate(str(top), heard.append) == Spec(TREES[maker], {"path": str(top)})
    assert len(heard) == 1
    assert f"is read as {TREES[maker]}, for there is " in heard[0]
    evidence = heard[0].partition("for there is ")[2].partition(". To have it read otherwise")[0]
    assert (top / evidence).is_file()
    assert locate(f"folder:{top}", heard.append).use == "folder"
    assert len(heard) == 1


def test_a_folder_of_two_layouts_is_an_error_that_shows_both(trees: ModuleType, tmp_path: Path) -> None:
    trees.brats2021(trees.bids(tmp_path, 1), 1)
    with pytest.raises(UsageError, match="is laid out as bids and as brats2021") as caught:
        locate(str(tmp_path))
    hints = " ".join(caught.value.hints)
    assert "brats2021, for there is BraTS2021_00000/BraTS2021_00000_flair.nii.gz" in hints
    assert f"bids:{tmp_path} or brats2021:{tmp_path}" in hints


def test_what_bids_was_made_of_does_not_count(trees: ModuleType, tmp_path: Path) -> None:
    trees.dicom(trees.bids(tmp_path, 1) / "sourcedata" / "raw", 1, 1)
    assert locate(str(tmp_path)).use == "bids"


def test_a_plugin_s_data_set_takes_part_and_one_that_fails_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Theirs:
        @staticmethod
        def recognise(folder: Path) -> str:
            return "theirs.txt" if (folder / "theirs.txt").exists() else ""

    class Failing:
        @staticmethod
        def recognise(folder: Path) -> str:
            raise RuntimeError(str(folder))

    parts = [
        Component("dataset", "lab", name, f"lab.sets:{name}", "Theirs.") for name in ("theirs", "failing", "absent")
    ]
    module = ModuleType("lab.sets")
    module.theirs, module.failing = Theirs, Failing
    monkeypatch.setitem(sys.modules, "lab", ModuleType("lab"))
    monkeypatch.setitem(sys.modules, "lab.sets", module)
    ours = Registry()
    ours.add(parts)
    monkeypatch.setattr("mlfp.data.recognise.registry", lambda: ours)
    assert recognise(tmp_path) is None
    (tmp_path / "theirs.txt").write_text("", encoding="utf-8")
    assert recognise(tmp_path) == Recognised("lab/theirs", "theirs.txt")


def test_a_glimpse_is_bounded(tmp_path: Path) -> None:
    for number in range(40):
        (tmp_path / f"{number:02d}" / "below").mkdir(parents=True)
    seen = [folder for folder, _ in glimpse(tmp_path, depth=2, most=50)]
    assert seen == ["", *(f"{number:02d}" for number in range(40)), *(f"{number:02d}/below" for number in range(9))]


def test_a_data_set_may_be_named_with_a_path_and_without(tmp_path: Path) -> None:
    assert locate(f"folder:{tmp_path}") == Spec("folder", {"path": str(tmp_path)})
    assert locate("mlfp/phantom") == Spec("mlfp/phantom")
    assert locate("phantom:") == Spec("phantom")


def test_a_file_of_the_name_of_a_data_set_is_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("phantom").write_text("", encoding="utf-8")
    assert locate("phantom").use == "manifest"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no/such.csv", r"no file or folder 'no/such\.csv'"),
        ("", "an empty text"),
        ("phantm", "Did you mean: phantom"),
        ("nothing:path", "no data set 'nothing'"),
        ("folder:no/such/folder", "no file or folder 'no/such/folder'"),
    ],
)
def test_what_is_not_there_is_an_error_that_says_what_would_be(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        locate(text)
