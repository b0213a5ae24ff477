"""ADNI: T1 of the same people over years, as LONI hands it out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from mlfp.errors import ParameterError, UsageError
from mlfp.types.remark import Remark
from mlfp.types.scan_table import ScanTable
from mlfp.wording import counted
from mlfp_plugins.datasets import intervals
from mlfp_plugins.datasets.manifest import Manifest
from mlfp_plugins.datasets.trees import Listings, Nifti, glimpse, join, some, walk

_SUBJECT = re.compile(r"\d{3}_S_\d{4,5}")
_TIME = re.compile(r"(\d{4}-\d{2}-\d{2})_\d{2}_\d{2}_\d{2}")
#: Files lie so many folders below the path at most.
DEPTH = 5
#: The number of the picture at the end of a file's name: ``..._S13408_I13722.nii``.
_IMAGE = re.compile(r"_(I\d+)$", re.IGNORECASE)
_COLUMNS = {
    "image data id": "image", "subject": "subject", "group": "diagnosis", "sex": "sex", "age": "age", "visit": "visit",
    "modality": "kind", "description": "description", "acq date": "date",
}  # fmt: skip
_RULES = {"strict": intervals.spaced, "binned": intervals.binned}


@dataclass(frozen=True)
class Adni:
    """Below the path: ``SUBJECT/DESCRIPTION/DATE_TIME/IMAGEID/*.nii``, as LONI packs it; its CSV tells the rest.

    Date and description are read from the folders, else from LONI's CSV (found beside the tree, by its column
    ``Image Data ID``) through the number at the end of the file's name. Of several pictures of one subject, day and
    modality the first is used, and the others are named.

    A manifest will do as well, with the columns ``subject`` and ``date``: what ``mlfp prepare`` made of the tree.

    :param path: the folder ``ADNI``, or the one that holds it; or a manifest.
    :param csv: LONI's table of the collection; looked for in the path and above it unless given.
    :param descriptions: patterns of which a description must fit one, such as ``*MPRAGE*``; upper and lower case are
        the same.
    :param min_days: days between any two scans of a subject. DeepBrainPrint asks for 180.
    :param rule: ``strict``: any two scans lie that far apart. ``binned``, as in its released code: the first scan of
        each bin of so many days, and no subject whose scans all lie within one; two may lie less far apart.
    """

    path: Path
    csv: Path | None = None
    descriptions: Sequence[str] = ("*",)
    min_days: int = 0
    rule: Literal["strict", "binned"] = "strict"

    def __post_init__(self) -> None:
        if self.min_days < 0:
            raise ParameterError(f"adni: min_days should not be negative, got {self.min_days}", key=("min_days",))

    @staticmethod
    def recognise(folder: Path) -> str:
        """See :class:`mlfp.interfaces.dataset.RecognisingDataset`: a NIfTI file below a subject and a time."""
        for name, listing in glimpse(folder, DEPTH):
            parts = name.split("/")
            if any(map(_TIME.match, parts)) and any(map(_SUBJECT.fullmatch, parts)):
                for file in listing.files:
                    if Nifti.of(file):
                        return f"{name}/{file}"
        return ""

    def table(self) -> ScanTable:
        """A row a scan, by subject and date, with what is odd about the tree in ``remarks``.

        :raises UsageError: there is no such folder or table, or no scan.
        """
        remarks: list[Remark] = []
        if self.path.is_file():
            frame = self._listed()
        else:
            known = self._loni()
            frame = pd.DataFrame([row for row in self._files(known, remarks) if self._wanted(row)])
        if frame.empty:
            raise UsageError(
                f"no scan of ADNI below {str(self.path)!r}",
                hints=[
                    "Expected: ADNI/002_S_0295/MPRAGE/2006-04-18_08_20_30.0/I13722/ADNI_002_S_0295_..._I13722.nii",
                    f"Descriptions asked for: {', '.join(self.descriptions)}",
                ],
            )
        frame = frame.sort_values(["subject", "date", "scan"], kind="stable", ignore_index=True)
        frame = _one_a_day(frame, remarks)
        if self.min_days:
            frame = self._apart(frame, remarks)
        return ScanTable(frame, source=str(self.path), remarks=remarks)

    def _listed(self) -> pd.DataFrame:
        """The rows of a manifest, such as ``mlfp prepare`` writes of this data set."""
        frame = Manifest(self.path).table().frame
        if "date" not in frame:
            raise UsageError(
                f"{self.path} has no column 'date'", hints=["It tells which scans lie far enough apart: 2006-04-18"]
            )
        wrong = frame["date"].map(_iso) == ""
        if wrong.any():
            raise UsageError(f"{self.path}: the date {frame['date'][wrong].iloc[0]!r} is none like 2006-04-18")
        frame = frame.assign(date=frame["date"].map(_iso), modality=frame.get("modality", "T1"))
        if "description" in frame:
            frame = frame[[self._wanted(row) for row in frame.to_dict("records")]]
        return frame

    def _loni(self) -> dict[str, dict[str, str]]:
        """Rows of LONI's CSV by the picture's number; none where there is no such file."""
        if self.csv is not None:
            if not self.csv.is_file():
                raise UsageError(f"there is no table {str(self.csv)!r}")
            return _rows(self.csv, must=True)
        for folder in (self.path, self.path.parent):
            for path in sorted(folder.glob("*.csv")) if folder.is_dir() else []:
                found = _rows(path, must=False)
                if found:
                    return found
        return {}

    def _files(self, known: Mapping[str, Mapping[str, str]], remarks: list[Remark]) -> Iterator[dict[str, str]]:
        listings = Listings(self.path)
        for folder, listing in walk(listings, DEPTH):
            for name in listing.files:
                nifti = Nifti.of(name)
                if nifti is None:
                    continue
                file = join(folder, name)
                remarks.extend(nifti.remarks(file, packed=False))
                row = _told(file, nifti, known, remarks)
                if row is not None:
                    yield {**row, "path": f"{listings.top}/{file}", "dataset": "ADNI"}
        listings.save()

    def _wanted(self, row: Mapping[Any, Any]) -> bool:
        return any(fnmatch(row["description"].lower(), pattern.lower()) for pattern in self.descriptions)

    def _apart(self, frame: pd.DataFrame, remarks: list[Remark]) -> pd.DataFrame:
        kept: list[Any] = []
        for _, scans in frame.groupby("subject"):
            days = [date.fromisoformat(day).toordinal() for day in scans["date"]]
            kept += [scans.index[place] for place in _RULES[self.rule](days, self.min_days)]
        gone = len(frame) - len(kept)
        if gone:
            people = frame["subject"].nunique() - frame.loc[kept, "subject"].nunique()
            whole = f"{counted(people, 'subject')} with all of theirs"
            text = f"{counted(gone, 'scan')} left out by the rule ({self.rule}), and {whole}"
            remarks.append(Remark(f"{self.min_days} days apart", str(self.path), text))
        if not kept:
            raise UsageError(f"no subject of {str(self.path)!r} has scans {self.min_days} days apart")
        return frame.loc[kept].reset_index(drop=True)


def _rows(path: Path, *, must: bool) -> dict[str, dict[str, str]]:
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        if must:
            raise UsageError(f"{str(path)!r} cannot be read as a table: {str(error).splitlines()[0]}") from error
        return {}
    frame = frame.rename(columns=lambda name: _COLUMNS.get(str(name).strip().lower(), str(name)))
    if not {"image", "subject"} <= set(frame.columns):
        if must:
            raise UsageError(
                f"{path} is no table of LONI: it has no column 'Image Data ID'",
                hints=[f"Its columns: {', '.join(frame.columns)}"],
            )
        return {}
    frame = frame[[name for name in dict.fromkeys(_COLUMNS.values()) if name in frame]]
    columns = [str(name) for name in frame.columns]
    told = (dict(zip(columns, values, strict=True)) for values in frame.itertuples(index=False, name=None))
    return {row["image"].upper(): row for row in told}


def _told(
    file: str, nifti: Nifti, known: Mapping[str, Mapping[str, str]], remarks: list[Remark]
) -> dict[str, str] | None:
    """What folders, name and table say of a file; None, with a remark, where they do not say whose it is and when."""
    parts = file.split("/")[:-1]
    place = next((number for number, part in enumerate(parts) if _SUBJECT.fullmatch(part)), None)
    inner = parts[place:] if place is not None else []
    image = _image(inner, nifti)
    listed = dict(known.get(image.upper(), {}))
    subject = inner[0] if inner else listed.get("subject", "")
    if listed and listed["subject"] != subject:
        remarks.append(Remark("id conflict", file, f"is {listed['subject']}'s in the table; the folder counts"))
        listed = {}
    times = [found[1] for part in inner if (found := _TIME.match(part))]
    day = times[0] if times else _iso(listed.get("date", ""))
    if not subject or not day:
        remarks.append(Remark("unknown scan", file, f"nothing tells {'when' if subject else 'whose'} it is; left out"))
        return None
    return {
        "scan": f"{subject}_{image or nifti.stem}",
        "subject": subject,
        "session": day,
        "date": day,
        "modality": "T1" if listed.get("kind", "MRI") in ("MRI", "MR") else listed["kind"],
        "site": subject[:3],
        "description": inner[1] if len(inner) > 1 else listed.get("description", ""),
        **{name: listed.get(name, "") for name in ("diagnosis", "sex", "age", "visit")},
    }


def _image(inner: Sequence[str], nifti: Nifti) -> str:
    found = _IMAGE.search(nifti.stem)
    if found:
        return found[1]
    return inner[3] if len(inner) > 3 else ""


def _iso(text: str) -> str:
    """LONI's ``4/18/2006`` (or ISO) as ISO; nothing where it is neither."""
    for form in ("%Y-%m-%d", "%m/%d/%Y", "%m/%d/%y"):
        try:
            return datetime.strptime(text.strip(), form).date().isoformat()
        except ValueError:
            continue
    return ""


def _one_a_day(frame: pd.DataFrame, remarks: list[Remark]) -> pd.DataFrame:
    keys = ["subject", "date", "modality"]
    again = frame.duplicated(keys)
    for values, scans in frame[frame.duplicated(keys, keep=False)].groupby(keys)["scan"]:
        first, *others = scans
        text = f"has {len(scans)} scans of {values[1]}: {first} is used, not {some(others)}"
        remarks.append(Remark("duplicate session", str(values[0]), text))
    return frame[~again].reset_index(drop=True)
