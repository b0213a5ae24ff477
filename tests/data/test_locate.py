from __future__ import annotations

from pathlib import Path

import pytest

from mlfp.data.locate import locate
from mlfp.errors import UsageError
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
