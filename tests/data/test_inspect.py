"""What a data set holds, and how it looks."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from mlfp_plugins.datasets.chestxray14 import ChestXray14

from mlfp.cli.inspected import lines
from mlfp.data import oddities
from mlfp.data.inspect import inspect
from mlfp.data.prepare import prepare
from mlfp.data.sheet import sheet, sheet_of
from mlfp.errors import UsageError
from mlfp.types.scan_table import ScanTable


def test_counts_and_failures(write_scans, manifest) -> None:
    path = write_scans(subjects=3, sessions=2, modality="T1")
    (path.parent / "volumes/S2_1.nii.gz").write_bytes(b"junk")
    dataset = manifest(path)
    heard = []
    found = inspect(dataset.table(), dataset, progress=lambda *what: heard.append(what))
    assert (found.scans, found.subjects, found.repeated) == (6, 3, 3)
    assert found.scans_per_subject == found.sessions_per_subject == {2: 3}
    assert found.values == {"modality": {"T1": 6}}
    assert found.shapes == {(8, 9, 10): 5}
    assert found.spacings == {(2.0, 2.0, 2.0): 5}
    assert [item.scan for item in found.failures] == ["volumes/S2_1.nii.gz"]
    assert heard[-1] == ("reading", 6, 6)
    assert json.loads(json.dumps(found.to_json()))["shapes"] == {"8x9x10": 5}


def test_a_table_without_sessions(write_scans, manifest) -> None:
    dataset = manifest(write_scans())
    table = ScanTable(dataset.table().frame.drop(columns="session"))
    assert inspect(table, dataset).sessions_per_subject == {}


def test_a_sheet_shows_volumes_upright(write_scans, manifest, chain) -> None:
    dataset = manifest(write_scans(subjects=4, sessions=2, shape=(20, 30, 16)))
    scans = prepare(dataset, chain())
    picture = sheet(scans, most=5, columns=2, height=60)
    # Three views of 20 x 30, 20 x 16 and 30 x 16 voxels, each 60 pixels high, in two columns and three rows.
    assert picture.width == 2 * (40 + 75 + 112 + 2 * 4 + 2 * 4)
    assert picture.height == 3 * (60 + 14 + 2 * 4)
    assert np.asarray(picture).std() > 10


def test_a_sheet_of_pictures(write_scans, manifest, chain) -> None:
    dataset = manifest(write_scans(subjects=2, sessions=1))
    picture = sheet(prepare(dataset, chain({"use": "slice", "count": 3})), height=45)
    assert picture.height == 45 + 14 + 8
    assert picture.width == 2 * (3 * 40 + 2 * 4 + 8)


def test_a_sheet_of_scans_as_they_are_may_have_bad_ones_and_several_shapes(write_scans, manifest, chain) -> None:
    path = write_scans(subjects=2, sessions=1, shape=(8, 9, 10))
    other = Path(str(path)).parent / "volumes/S1_0.nii.gz"
    nib.save(nib.Nifti1Image(np.random.default_rng(0).normal(size=(9, 9, 9)), np.eye(4)), other)
    dataset = manifest(path)
    whole = sheet_of(dataset, dataset.table(), chain(), height=40)
    other.write_bytes(b"junk")
    bad = sheet_of(dataset, dataset.table(), chain(), height=40)
    assert whole.height == bad.height == 40 + 14 + 8
    assert np.asarray(bad).std() > 10
    with pytest.raises(UsageError, match="no scan to draw"):
        sheet_of(dataset, dataset.table().select([]), chain())


@pytest.mark.real
def test_a_real_pack(real_data: Path, manifest) -> None:
    dataset = manifest(real_data / "brain-openms" / "scans.csv")
    found = inspect(dataset.table(), dataset)
    assert (found.scans, found.subjects, found.repeated) == (38, 10, 9)
    assert found.sessions_per_subject == {1: 6, 2: 4}
    assert found.failures == ()


def test_times_between_sessions_duplicates_singletons_and_oddities(write_scans, manifest) -> None:
    path = write_scans(subjects=4, sessions=2, modality="T1", split="train")
    frame = pd.read_csv(path, dtype=str)
    frame["date"] = ["2010-01-01", "2010-07-01", "2011-01-01", "2011-01-11", "", "2012-01-01", "x", "2012-01-01"]
    frame.loc[1, "split"] = "test"
    frame.loc[3, "session"] = "0"
    frame.loc[3, "date"] = "2011-01-01"
    frame = frame.drop(index=7)
    frame.to_csv(path, index=False)
    (path.parent / "volumes/S3_0.nii.gz").write_bytes((path.parent / "volumes/S0_0.nii.gz").read_bytes())
    dataset = manifest(path)
    found = inspect(dataset.table(), dataset)
    assert found.days == (181,)
    assert found.singletons == 1
    assert [(item.scans, item.subjects) for item in found.duplicates] == [
        (("volumes/S0_0.nii.gz", "volumes/S3_0.nii.gz"), ("S0", "S3"))
    ]
    assert [(item.kind, item.about) for item in found.remarks] == [
        ("subject in two splits", "S0"),
        ("duplicate session", "S1 0 T1"),
    ]
    told = json.loads(json.dumps(found.to_json()))
    assert told["days_between_sessions"] == {"intervals": 1, "least": 181, "median": 181.0, "most": 181}
    assert told["duplicates"][0]["subjects"] == ["S0", "S3"]
    assert len(told["remarks"]) == 2


def test_a_modality_that_most_have_is_missed(write_scans, manifest) -> None:
    path = write_scans(subjects=3, sessions=2)
    frame = pd.read_csv(path, dtype=str).assign(modality=["T1", "T2"] * 3, session="1")
    frame.drop(index=3).to_csv(path, index=False)
    dataset = manifest(path)
    assert [str(item) for item in inspect(dataset.table(), dataset, read=False).remarks] == [
        "S1 session 1: has no T2; 2 of 3 have one"
    ]


def test_without_pixels_nothing_is_read(write_scans, manifest) -> None:
    path = write_scans(subjects=2, sessions=2)
    for file in (path.parent / "volumes").iterdir():
        file.unlink()
    dataset = manifest(path)
    found = inspect(dataset.table(), dataset, read=False)
    assert (found.scans, found.failures, found.shapes, found.read) == (4, (), {}, False)


def test_pictures_that_tell_no_spacing_have_none(trees, tmp_path) -> None:
    dataset = ChestXray14(trees.chest(tmp_path, patients=4))
    found = inspect(dataset.table(), dataset)
    assert found.spacings == {(): found.scans}
    assert found.to_json()["spacings"] == {"unknown": found.scans}
    assert ["mm", "unknown", f"({found.scans})"] in [line.split() for line in lines(found)]


def test_a_column_that_tells_nothing_is_not_counted(write_scans, manifest) -> None:
    dataset = manifest(write_scans(subjects=2, sessions=1, modality="T1", site=""))
    assert list(inspect(dataset.table(), dataset, read=False).values) == ["modality"]


@pytest.mark.parametrize(
    ("text", "days"),
    [("2006-04-18", 732419), ("20060418", 732419), ("2006-04-18T10:00:00", 732419), ("1", 0), ("99999999", 0), ("", 0)],
)
def test_dates_are_told_from_names(text: str, days: int) -> None:
    assert oddities._day(text) == days
