"""DICOM: series to volumes, and what is wrong with archives."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

pytest.importorskip("pydicom")
from mlfp_plugins.datasets.dicom import Dicom

from mlfp.data.inspect import inspect
from mlfp.errors import ScanError, UsageError
from mlfp.testing.datasets import check_dataset
from mlfp.types.remark import by_kind


@pytest.fixture(scope="module")
def whole(trees: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trees.dicom(tmp_path_factory.mktemp("archive"))


@pytest.fixture
def tree(whole: Path, tmp_path: Path) -> Path:
    return shutil.copytree(whole, tmp_path / "archive")


def kinds(table) -> dict[str, list[str]]:
    return {kind: [item.about for item in items] for kind, items in by_kind(table.remarks).items()}


def save(headers: list, folder: Path, name: str = "more") -> None:
    folder.mkdir(exist_ok=True)
    for number, header in enumerate(headers):
        header.save_as(folder / f"{name}{number:04d}.dcm", enforce_file_format=True)


def test_an_archive(whole: Path) -> None:
    dataset = Dicom(whole)
    check_dataset(dataset)
    table = dataset.table()
    assert (len(table), sorted(set(table.subjects)), table.remarks) == (4, ["PAT0", "PAT1"], ())
    row = table.row(0)
    assert (row["scan"], row["session"], row["date"]) == ("1.2.826.0.1.1.1.1", "1.2.826.0.1.1.1", "2010-01-31")
    assert (row["modality"], row["description"], row["site"], row["sex"]) == ("MR", "T1 MPRAGE", "General", "F")
    assert "Doe" not in table.frame.to_csv()
    with pytest.raises(UsageError, match="no DICOM series"):
        Dicom(whole, modalities=["CT"]).table()


def test_a_series_is_the_volume_it_was_made_of(trees: ModuleType, whole: Path) -> None:
    dataset = Dicom(whole)
    volume = dataset.read(dataset.table().row(3))
    data, affine = trees.phantom(1, 1)
    assert volume.shape == data.shape
    assert np.allclose(volume.affine, affine)
    assert np.allclose(volume.data[0] / 1000 * data.max(), data, atol=data.max() / 1000)


def test_slope_and_frames_and_pictures(trees: ModuleType, tmp_path: Path) -> None:
    scaled = trees.series(0, RescaleSlope=2.0, RescaleIntercept=-10.0)
    save(scaled, tmp_path)
    dataset = Dicom(tmp_path)
    assert dataset.read(dataset.table().row(0)).data.min() == -10
    film = trees.series(5, Modality="DX", PhotometricInterpretation="MONOCHROME1")[20]
    del film.ImagePositionPatient
    del film.ImageOrientationPatient
    save([film], tmp_path, "film")
    dataset = Dicom(tmp_path, modalities=["DX"])
    picture = dataset.read(dataset.table().row(0))
    assert picture.data.shape == (1, film.Rows, film.Columns)
    assert picture.spacing == (5.0, 5.0)
    assert np.array_equal(picture.data[0], film.pixel_array.max() + film.pixel_array.min() - film.pixel_array)


def test_a_multi_frame_file_is_the_same_volume(trees: ModuleType, tmp_path: Path) -> None:
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence

    headers = trees.series(0)
    whole = headers[0]
    whole.NumberOfFrames = len(headers)
    whole.PixelData = b"".join(header.PixelData for header in headers)
    frames = []
    for header in headers:
        frame, place = Dataset(), Dataset()
        place.ImagePositionPatient = header.ImagePositionPatient
        frame.PlanePositionSequence = Sequence([place])
        frames.append(frame)
    whole.PerFrameFunctionalGroupsSequence = Sequence(frames)
    save([whole], tmp_path)
    dataset = Dicom(tmp_path)
    volume = dataset.read(dataset.table().row(0))
    assert np.allclose(volume.affine, trees.phantom(0)[1])
    assert volume.shape == trees.phantom(0)[0].shape


def test_mistakes_are_named_and_cost_nothing_else(trees: ModuleType, tree: Path) -> None:
    clash = trees.series(3, PatientID="PAT0", PatientName="Roe^Jane", SeriesInstanceUID="1.9", StudyInstanceUID="1.8")
    nobody = trees.series(4, PatientID="", SeriesInstanceUID="1.7", StudyInstanceUID="1.6")
    gap = trees.series(5, SeriesInstanceUID="1.5")
    del gap[10:13]
    save([*clash, *nobody, *gap], tree / "other")
    shutil.copy(tree / "000000", tree / "again")
    (tree / "notes.txt").write_text("no image", encoding="utf-8")
    (tree / "broken.dcm").write_text("no image either", encoding="utf-8")
    (tree / "rubbish").write_bytes(bytes(128) + b"DICM" + b"rubbish")
    dataset = Dicom(tree)
    table = dataset.table()
    assert kinds(table) == {
        "unreadable file": ["broken.dcm", "rubbish"],
        "patient ids clash": ["PAT0"],
        "no patient id": ["other/more0051.dcm"] if len(clash) == 51 else [f"other/more{len(clash):04d}.dcm"],
        "file twice": ["again"] if kinds(table)["file twice"] == ["again"] else ["000000"],
    }
    assert len(table) == 7
    assert set(table.subjects) == {"PAT0", "PAT1", "PAT5", "study 1.6"}
    found = inspect(table, dataset)
    assert [item.reason.partition(":")[0] for item in found.failures] == ["3 of its slices are missing"]
    apart = Dicom(tree, tell_apart=True).table()
    assert set(apart.subjects) == {"PAT0#1", "PAT0#2", "PAT1", "PAT5", "study 1.6"}


def test_echoes_and_damaged_pixels_are_refused(trees: ModuleType, tmp_path: Path) -> None:
    first, second = trees.series(0), trees.series(0)
    for header in second:
        header.SOPInstanceUID = header.file_meta.MediaStorageSOPInstanceUID = f"{header.SOPInstanceUID}.2"
    save([*first, *second], tmp_path)
    dataset = Dicom(tmp_path)
    with pytest.raises(ScanError, match="at one place"):
        dataset.read(dataset.table().row(0))
    damaged = trees.series(1)
    damaged[3].PixelData = damaged[3].PixelData[:100]
    save(damaged, tmp_path, "damaged")
    dataset = Dicom(tmp_path)
    with pytest.raises(ScanError, match="pixels cannot be read"):
        dataset.read(dataset.table().row(1))


def test_keys_change_with_the_files_and_headers_are_read_once(
    trees: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pydicom

    monkeypatch.setenv("MLFP_CACHE", str(tmp_path / "cache"))
    save(trees.series(0), tmp_path / "archive")
    dataset = Dicom(tmp_path / "archive")
    row = dataset.table().row(0)
    key = dataset.key(row)
    assert Dicom(tmp_path / "archive").key(row) == key

    def refuse(*args: object, **options: object) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr(pydicom, "dcmread", refuse)
    assert Dicom(tmp_path / "archive").table().digest() == dataset.table().digest()
    monkeypatch.undo()
    (tmp_path / "archive" / "more0003.dcm").touch()
    assert Dicom(tmp_path / "archive").key(row) != key
