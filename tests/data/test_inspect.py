"""What a data set holds, and how it looks."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

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
