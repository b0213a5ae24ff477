"""DICOM files in folders of any shape: a series a scan."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pydicom
from pydicom.errors import InvalidDicomError
from pydicom.uid import MediaStorageDirectoryStorage

from mlfp.errors import ScanError, UsageError
from mlfp.types.remark import Remark
from mlfp.types.scan_table import ScanTable
from mlfp.types.volume import Volume
from mlfp_plugins.datasets import dicom_series
from mlfp_plugins.datasets.trees import Listings, glimpse, join, some, walk

#: Folders below the path that are looked into.
DEPTH = 12
#: Files that are looked at to tell whether a folder holds DICOM.
GLIMPSED = 100
#: Folders where BIDS keeps what it was made of.
_BESIDE = ("sourcedata", "derivatives", "code")
#: Tag to column, as far as a table has it.
_COLUMNS = {
    "Modality": "modality", "SeriesDescription": "description", "ViewPosition": "view", "InstitutionName": "site",
    "Manufacturer": "manufacturer", "ManufacturerModelName": "model", "MagneticFieldStrength": "field",
    "PatientSex": "sex",
}  # fmt: skip
_PERSON = ("PatientName", "PatientBirthDate", "PatientSex")
_IDS = ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "PatientID")
_TAGS = [*_IDS, *_PERSON, *_COLUMNS, "AcquisitionDate", "SeriesDate", "StudyDate"]


@dataclass(frozen=True)
class Dicom:
    """Every file below a folder that is DICOM, put together by its series' UID, whatever it is called.

    The subject is the patient's ID. Where one ID comes with several names, birth dates or sexes, that is said:
    hospitals give IDs, and two hospitals give the same. Names and birth dates are compared, and remembered, as hashes
    alone. What the headers say is remembered: the next time only files that changed are read.

    Volumes are series of single slices, or one multi-frame file; a series of one picture without a place in the body
    (CR, DX) is a picture.

    :param path: the folder.
    :param modalities: those to use, such as ``[MR]`` or ``[CR, DX]``; all unless given.
    :param tell_apart: take people whose names, birth dates or sexes differ for different subjects, ``ID#1``, ``ID#2``.
    """

    path: Path
    modalities: Sequence[str] | None = None
    tell_apart: bool = False

    @staticmethod
    def recognise(folder: Path) -> str:
        """See :class:`mlfp.interfaces.dataset.RecognisingDataset`: a file that says it is DICOM, among the first."""
        left = GLIMPSED
        for name, listing in glimpse(folder, DEPTH):
            if name.partition("/")[0] in _BESIDE:
                continue
            for file in listing.files[:left]:
                if dicom_series.says_so(folder / name / file):
                    return join(name, file)
            left -= len(listing.files)
            if left <= 0:
                break
        return ""

    def table(self) -> ScanTable:
        """A row a series, with what is odd about the files in ``remarks``.

        :raises UsageError: there is no such folder, or no series in it.
        """
        frame, remarks = self._index
        return ScanTable(frame.drop(columns="files"), source=str(self.path), remarks=remarks)

    def read(self, row: Mapping[str, Any]) -> Volume:
        """The series put together: ``(1, I, J, K)`` in RAS order, or ``(1, I, J)`` for a picture.

        :raises ScanError: a file cannot be read, or they do not make up one volume.
        """
        files = [Path(file) for file in self._files(row)]
        try:
            data, affine = dicom_series.read(files)
        except ScanError as error:  # an UID tells nobody where the series lies
            raise error.at(str(files[0].parent)) from error
        return Volume(data, affine, str(row["scan"]))

    def key(self, row: Mapping[str, Any]) -> str:
        """A hash of the files' names, sizes and times of change: whole archives are not read to find out."""
        states = []
        for name in self._files(row):
            file = Path(name)
            state = file.stat() if file.is_file() else None
            states.append((file.name, state and state.st_size, state and state.st_mtime_ns))
        return hashlib.sha256(repr((dicom_series.VERSION, states)).encode()).hexdigest()

    def _files(self, row: Mapping[str, Any]) -> list[str]:
        found: list[str] | None = self._of_scan.get(str(row["scan"]))
        if found is None:
            raise ScanError(f"{self.path} has no series {row['scan']!r}")
        return found

    @cached_property
    def _of_scan(self) -> dict[str, list[str]]:
        frame = self._index[0]
        return dict(zip(frame["scan"], frame["files"], strict=True))

    @cached_property
    def _index(self) -> tuple[pd.DataFrame, list[Remark]]:
        remarks: list[Remark] = []
        series: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for header in self._headers(remarks):
            if self.modalities is None or header.get("Modality") in self.modalities:
                series.setdefault((header["SeriesInstanceUID"], header["PatientID"]), []).append(header)
        if not series:
            raise UsageError(f"no DICOM series below {str(self.path)!r}", hints=["Files may have any name and ending."])
        people = _people(series.values(), remarks)
        rows = [self._row(headers, people, remarks) for headers in series.values()]
        frame = pd.DataFrame(rows).fillna("").sort_values(["subject", "date", "scan"], ignore_index=True)
        return _told_apart(frame, remarks), remarks

    def _headers(self, remarks: list[Remark]) -> Iterator[dict[str, Any]]:
        listings = Listings(self.path)
        for folder, listing in walk(listings, DEPTH):
            for name in listing.files:
                file = join(folder, name)
                header = listings.noted(file)
                if header is None:
                    header = _header(Path(listings.top) / file)
                    listings.note(file, header)
                if "SeriesInstanceUID" in header:
                    yield {**header, "file": f"{listings.top}/{file}", "name": file}
                elif header.get("broken") or name.lower().endswith((".dcm", ".ima")):
                    remarks.append(
                        Remark("unreadable file", file, header.get("broken") or "is no DICOM image; left out")
                    )
        listings.save()

    def _row(
        self, headers: Sequence[Mapping[str, Any]], people: Mapping[str, list[str]], remarks: list[Remark]
    ) -> dict[str, Any]:
        files: dict[str, str] = {}
        for header in headers:
            if header["SOPInstanceUID"] in files:
                remarks.append(Remark("file twice", header["name"], "has the UID of another; left out"))
            else:
                files[header["SOPInstanceUID"]] = header["file"]
        first = headers[0]
        subject = first["PatientID"] or f"study {first['StudyInstanceUID']}"
        if not first["PatientID"]:
            remarks.append(Remark("no patient id", first["name"], "its study stands for the subject"))
        elif self.tell_apart and len(people[subject]) > 1:
            subject = f"{subject}#{people[subject].index(first['person']) + 1}"
        return {
            "scan": first["SeriesInstanceUID"],
            "path": first["file"],
            "subject": subject,
            "session": first["StudyInstanceUID"],
            "date": first["date"],
            **{column: first[tag] for tag, column in _COLUMNS.items() if first.get(tag)},
            "files": sorted(files.values()),
        }


def _header(path: Path) -> dict[str, Any]:
    """What a table needs of a file; ``{}`` for what is no image of DICOM, ``{"broken": why}`` for a damaged one."""
    try:
        found = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(_TAGS))
    except InvalidDicomError:
        return {}
    except Exception as error:  # pydicom raises whatever the damage leads to; the others go on
        return {"broken": f"cannot be read: {type(error).__name__}: {str(error)[:120]}"}
    texts = {tag: str(found.get(tag) or "").strip() for tag in _TAGS}
    if not texts["SeriesInstanceUID"] or not texts["SOPInstanceUID"]:
        index = found.file_meta.get("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage
        return {} if index else {"broken": "tells no series or no id of its own; left out"}
    days = [texts[tag] for tag in ("AcquisitionDate", "SeriesDate", "StudyDate")]
    day = next((text for text in days if len(text) == 8 and text.isdigit()), "")
    person = hashlib.sha256("\x1f".join(texts[tag] for tag in _PERSON).casefold().encode()).hexdigest()[:16]
    kept = {tag: texts[tag] for tag in (*_IDS, *_COLUMNS)}
    return {**kept, "person": person, "date": f"{day[:4]}-{day[4:6]}-{day[6:]}" if day else ""}


def _people(series: Any, remarks: list[Remark]) -> dict[str, list[str]]:
    """The people behind each patient's ID, by their hashes, in order of first appearance."""
    people: dict[str, list[str]] = {}
    for headers in series:
        known = people.setdefault(headers[0]["PatientID"], [])
        known += [header["person"] for header in headers if header["person"] not in known][:1]
    for patient, persons in people.items():
        if patient and len(persons) > 1:
            text = f"stands for {len(persons)} people, by name, birth date or sex; see tell_apart"
            remarks.append(Remark("patient ids clash", patient, text))
    return people


def _told_apart(frame: pd.DataFrame, remarks: list[Remark]) -> pd.DataFrame:
    """Series whose UID two patients have get the patient's into their id."""
    twice = frame["scan"].duplicated(keep=False)
    for scan, subjects in frame[twice].groupby("scan")["subject"]:
        remarks.append(Remark("series of two patients", str(scan), f"is {some(list(subjects))}'s; kept apart"))
    return frame.assign(scan=frame["scan"].where(~twice, frame["scan"] + " " + frame["subject"]))
