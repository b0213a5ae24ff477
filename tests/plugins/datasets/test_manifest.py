"""Manifests as people write them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from mlfp_plugins.datasets.manifest import Manifest

from mlfp.errors import UsageError

ROWS = "path,subject,session,modality,age\nimages/007_1.png,007,1,CXR,51\n/data/8.png,8,,CXR,\n"


def write(folder: Path, text: str, name: str = "scans.csv", encoding: str = "utf-8") -> Path:
    (folder / name).write_text(text, encoding=encoding)
    return folder / name


def test_text_stays_text_and_paths_are_below_the_manifest(tmp_path: Path) -> None:
    table = Manifest(write(tmp_path, ROWS)).table()
    assert list(table.subjects) == ["007", "8"]
    assert list(table.scans) == ["images/007_1.png", "/data/8.png"]
    assert list(table.column("path")) == [str(tmp_path / "images/007_1.png"), "/data/8.png"]
    assert list(table.column("session")) == ["1", ""]
    assert list(table.column("age")) == ["51", ""]


def test_a_relative_manifest_gives_absolute_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, ROWS)
    monkeypatch.chdir(tmp_path)
    assert Manifest(Path("scans.csv")).table().column("path")[0] == str(tmp_path / "images/007_1.png")


def test_scan_ids_of_the_manifest_are_kept(tmp_path: Path) -> None:
    table = Manifest(write(tmp_path, "scan,path,subject\none,a.png,A\ntwo,b.png,B\n")).table()
    assert list(table.scans) == ["one", "two"]


@pytest.mark.parametrize(
    ("name", "separator", "encoding"),
    [("a.csv", ",", "utf-8-sig"), ("a.csv", ";", "utf-8"), ("a.tsv", "\t", "utf-8"), ("a.txt", "\t", "utf-8")],
)
def test_separators_and_marks_of_spreadsheets(tmp_path: Path, name: str, separator: str, encoding: str) -> None:
    table = Manifest(write(tmp_path, ROWS.replace(",", separator), name, encoding)).table()
    assert table.columns == ("path", "subject", "session", "modality", "age", "scan")
    assert table.subjects[0] == "007"


def test_parquet(tmp_path: Path) -> None:
    frame = pd.DataFrame({"path": ["a.png", "b.png"], "subject": [7, 8], "age": [51.5, None]})
    frame.to_parquet(tmp_path / "scans.parquet")
    table = Manifest(tmp_path / "scans.parquet").table()
    assert list(table.subjects) == ["7", "8"]
    assert table.row(0)["age"] == 51.5


def test_spaces_around_an_id_make_no_other_subject(tmp_path: Path) -> None:
    table = Manifest(write(tmp_path, "path,subject\na.png,7 \nb.png, 7\n")).table()
    assert list(table.subjects) == ["7", "7"]


@pytest.mark.parametrize("dtype", ["Int64", "float64", "category"])
def test_numbers_in_parquet_are_the_same_text_as_in_csv(tmp_path: Path, dtype: str) -> None:
    frame = pd.DataFrame({"path": ["a.png", "b.png"], "subject": [7, 8], "session": pd.array([1, None], "Int64")})
    frame.astype({"subject": dtype}).to_parquet(tmp_path / "scans.parquet")
    table = Manifest(tmp_path / "scans.parquet").table()
    assert list(table.subjects) == ["7", "8"]
    assert list(table.column("session")) == ["1", ""]


def test_numbers_with_digits_behind_the_point_stay_as_they_are(tmp_path: Path) -> None:
    pd.DataFrame({"path": ["a.png"], "subject": ["7"], "session": [1.5]}).to_parquet(tmp_path / "scans.parquet")
    assert list(Manifest(tmp_path / "scans.parquet").table().column("session")) == ["1.5"]


def test_an_index_in_parquet_is_a_column(tmp_path: Path) -> None:
    frame = pd.DataFrame({"scan": ["one"], "path": ["a.png"], "subject": ["7"]})
    frame.set_index("scan").to_parquet(tmp_path / "scans.parquet")
    assert list(Manifest(tmp_path / "scans.parquet").table().scans) == ["one"]


def test_other_names_for_columns(tmp_path: Path) -> None:
    path = write(tmp_path, "Image Index,Patient ID,subject\na.png,7,no\n")
    table = Manifest(path, columns={"path": "Image Index", "subject": "Patient ID"}).table()
    assert (table.scans[0], table.subjects[0]) == ("a.png", "7")
    with pytest.raises(UsageError, match="no column 'Patient Id'") as caught:
        Manifest(path, columns={"subject": "Patient Id"}).table()
    assert "Did you mean: Patient ID?" in caught.value.hints


def test_one_column_under_two_of_our_names(tmp_path: Path) -> None:
    path = write(tmp_path, "file,person\na.png,7\n")
    table = Manifest(path, columns={"path": "file", "subject": "person", "group": "person"}).table()
    assert (table.subjects[0], table.column("group")[0]) == ("7", "7")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("path,patient\na.png,7\n", "no column 'subject'"),
        ("path,subject\na.png,\n", "row 1 has no subject"),
        ("path,subject\na.png,7\na.png,7\n", "listed more than once"),
        ("path,subject\n,7\n", "row 1 has no scan"),
        ("path,subject,subject\na.png,7,8\n", "has the column 'subject' twice"),
        ("path,subject,subject \na.png,7,8\n", "has the column 'subject' twice"),
        ("path,subject\na.png,7\n./a.png,8\n", "scans 'a.png' and './a.png' are one file"),
        ("scan,path,subject\n1,a.png,7\n2,a.png,7\n", "scans '1' and '2' are one file"),
        ("file,subject\na.png,7\n", "neither a column 'scan' nor a column 'path'"),
        ("", "cannot be read as a table"),
        ("path,subject\na.png,7,more,fields\n", "cannot be read as a table"),
        ('path,subject\n"a.png,7\n', "cannot be read as a table"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason) as caught:
        Manifest(write(tmp_path, text)).table()
    assert "scans.csv" in str(caught.value)


def test_bytes_that_are_no_text_and_a_missing_manifest(tmp_path: Path) -> None:
    (tmp_path / "scans.csv").write_bytes(b"path,subject\n\xff\xfe\xfd,7\n")
    with pytest.raises(UsageError, match="cannot be read as a table"):
        Manifest(tmp_path / "scans.csv").table()
    with pytest.raises(UsageError, match="there is no manifest") as caught:
        Manifest(tmp_path / "scan.csv").table()
    assert caught.value.hints == ("Did you mean: scans.csv?",)
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    with pytest.raises(UsageError, match="cannot be read as a table"):
        Manifest(tmp_path / "broken.parquet").table()


def test_listing_and_hashing_import_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from mlfp.data.chain import Chain; from mlfp.types.spec import Spec;"
        "from mlfp.data.prepare import digest_of; from mlfp.plugins import registry;"
        f"data = registry().build('dataset', Spec('manifest', {{'path': {str(write(tmp_path, ROWS))!r}}}));"
        "print(digest_of(data, data.table(), Chain([Spec('zscore'), Spec('move', {'rotate': 3})])));"
        "print(*{'torch', 'monai', 'nibabel', 'PIL', 'scipy.ndimage'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    digest, heavy = found.stdout.splitlines()
    assert (len(digest), heavy) == (64, "")
