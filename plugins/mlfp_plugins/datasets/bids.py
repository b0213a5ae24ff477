"""BIDS: a tree whose names tell what the scans are."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from mlfp.data.oddities import missing_modalities
from mlfp.errors import ParameterError, UsageError, nearest
from mlfp.types.remark import Remark
from mlfp.types.scan_table import ScanTable
from mlfp_plugins.datasets import bids_names
from mlfp_plugins.datasets.kept import Kept, changed
from mlfp_plugins.datasets.trees import Listing, Listings, glimpse, join, some

#: Suffixes of what is no scan but a map of labels.
_LABELS = ("mask", "dseg", "probseg", "defacemask", "defaceMask")
#: At the top, and read besides the folders.
_TABLES = ("participants.tsv", "dataset_description.json")
_SHAPE = "Expected: sub-01/anat/sub-01_T1w.nii.gz, or sub-01/ses-1/anat/sub-01_ses-1_T1w.nii.gz"


@dataclass(frozen=True)
class Bids:
    """``sub-*/[ses-*/]anat/*_T1w.nii.gz``, with what participants.tsv and scans.tsv say.

    Tolerant: it need not be valid. Subject and session are the folders' (without ``sub-`` and ``ses-``), the modality
    is the suffix; other entities (``acquisition``, ``run``, ...) and the columns of participants.tsv become columns,
    its ``group`` as ``cohort``. What lies where is remembered: the next time only folders that changed are listed.

    :param path: the folder of the subjects; a derivative's folder too.
    :param suffixes: those to use, such as ``[T1w, T2w]``; all that are no mask or segmentation unless given.
    :param datatypes: folders to look into.
    """

    path: Path
    suffixes: Sequence[str] | None = None
    datatypes: Sequence[str] = ("anat",)

    @staticmethod
    def recognise(folder: Path) -> str:
        """See :class:`mlfp.interfaces.dataset.RecognisingDataset`: a scan in its subject's folder."""
        for name, listing in glimpse(folder, depth=3):
            subject = name.partition("/")[0]
            if name.count("/") in (1, 2) and subject.startswith("sub-"):
                for file in listing.files:
                    found = bids_names.Name.of(file)
                    if found is not None and found.entities["sub"] == subject[4:]:
                        return f"{name}/{file}"
        return ""

    def table(self) -> ScanTable:
        """A row a scan, with what is odd about the tree in ``remarks``.

        :raises UsageError: there is no such folder, or no scan in it.
        """
        if not self.datatypes:
            raise ParameterError("bids: datatypes lists none", key=("datatypes",))
        kept = Kept(os.path.abspath(self.path), list(self.suffixes or ()), list(self.datatypes))  # noqa: PTH100 (links)
        frame, remarks = kept.get() or self._read(kept)
        return ScanTable(frame, source=str(self.path), remarks=remarks)

    def _read(self, kept: Kept) -> tuple[pd.DataFrame, list[Remark]]:
        suffixes = None if self.suffixes is None else tuple(self.suffixes)
        tree = _Tree(Listings(self.path), tuple(self.datatypes), suffixes)
        tables = {name: changed(f"{tree.listings.top}/{name}") for name in _TABLES}
        frame = pd.DataFrame(list(tree.rows()))
        tree.listings.save()
        if frame.empty:
            raise UsageError(f"no scan below {str(self.path)!r}", hints=[*tree.hints(), _SHAPE])
        frame = frame.fillna("").assign(dataset=_title(self.path))
        remarks = [*tree.remarks, *missing_modalities(frame)]
        frame = _joined(frame, self.path, remarks)
        kept.keep(frame, remarks, {**tree.listings.states(), **tables, **tree.tables})
        return frame, remarks


@dataclass
class _Tree:
    """A tree under way."""

    listings: Listings
    datatypes: tuple[str, ...]
    suffixes: tuple[str, ...] | None
    remarks: list[Remark] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    tables: dict[str, int] = field(default_factory=dict)

    def rows(self) -> Iterator[dict[str, str]]:
        for folder in self.listings.of().folders:
            if folder.startswith("sub-"):
                yield from self._subject(folder)

    def _subject(self, folder: str) -> Iterator[dict[str, str]]:
        listing = self.listings.of(folder)
        found = list(self._session(folder, "", listing))
        sessions = [name for name in listing.folders if name.startswith("ses-")]
        for name in sessions:
            found += self._session(f"{folder}/{name}", name[4:], self.listings.of(f"{folder}/{name}"))
        if len(sessions) > 1:
            self._same_sessions(folder, sessions)
        if not found:
            self.remarks.append(Remark("subject without scan", folder, f"has none in {', '.join(self.datatypes)}"))
        yield from found

    def _same_sessions(self, folder: str, sessions: Sequence[str]) -> None:
        alike: dict[str, list[str]] = {}
        for name in sessions:
            alike.setdefault(name[4:].lstrip("0").casefold(), []).append(name)
        for names in alike.values():
            if len(names) > 1:
                text = f"has {' and '.join(names)}: are they one? Both are used"
                self.remarks.append(Remark("duplicate session", folder, text))

    def _session(self, folder: str, session: str, listing: Listing) -> Iterator[dict[str, str]]:
        days = self._days(folder, listing)
        for datatype in self.datatypes:
            if datatype in listing.folders:
                inner = f"{folder}/{datatype}"
                for row in self._files(inner, session, self.listings.of(inner).files):
                    day = days.get(row["scan"].rpartition("/")[2])
                    yield {**row, "date": day} if day else row

    def _days(self, folder: str, listing: Listing) -> dict[str, str]:
        days: dict[str, str] = {}
        for name in listing.files:
            if name.endswith("_scans.tsv"):
                file = join(folder, name)
                self.tables[file] = changed(f"{self.listings.top}/{file}")
                known = self.listings.noted(file)
                if known is None:
                    known = bids_names.times(Path(self.listings.top) / file)
                    self.listings.note(file, known)
                days.update(known)
        return days

    def _files(self, folder: str, session: str, files: Sequence[str]) -> Iterator[dict[str, str]]:
        subject = folder.partition("/")[0][4:]
        used: dict[str, str] = {}
        # Of one scan in two forms the packed one comes first.
        for file in sorted(files, key=lambda name: (not name.lower().endswith(".gz"), name)):
            name = bids_names.Name.of(file)
            path = f"{folder}/{file}"
            if name is None:
                if file.lower().endswith((".nii", ".nii.gz")):
                    self.remarks.append(Remark("no name of BIDS", path, "does not say what it is; left out"))
                continue
            self.seen[name.suffix] += 1
            if not self._wanted(name.suffix):
                continue
            told = (name.entities["sub"], name.entities.get("ses", session))
            if told != (subject, session):
                text = "names another subject or session than its folder; left out"
                self.remarks.append(Remark("wrong name", path, text))
            elif name.nifti.stem in used:
                self.remarks.append(Remark("scan twice", path, f"is {used[name.nifti.stem]} again; left out"))
            else:
                used[name.nifti.stem] = file
                self.remarks.extend(name.nifti.remarks(path))
                yield {
                    "scan": path, "path": f"{self.listings.top}/{path}", "subject": subject, "session": session,
                    "modality": name.suffix, **dict(name.columns()),
                }  # fmt: skip

    def _wanted(self, suffix: str) -> bool:
        return suffix not in _LABELS if self.suffixes is None else suffix in self.suffixes

    def hints(self) -> list[str]:
        """Why there may be nothing."""
        if self.seen:
            asked = [hint for suffix in self.suffixes or () for hint in nearest(suffix, self.seen)]
            return [*asked, f"Suffixes there: {', '.join(self.seen)}"]
        return [f"Folders there: {some(self.listings.of().folders) or 'none'}"]


def _title(top: Path) -> str:
    try:
        told = json.loads((top / "dataset_description.json").read_text(encoding="utf-8"))
        return str(told["Name"])
    except (OSError, ValueError, KeyError, TypeError):
        return top.resolve().name


def _joined(frame: pd.DataFrame, top: Path, remarks: list[Remark]) -> pd.DataFrame:
    """With the columns of participants.tsv; says who is missing in either."""
    people, twice = bids_names.participants(top)
    remarks += twice
    if people.empty:
        return frame
    listed, there = set(people["subject"]), set(frame["subject"])
    for name in sorted(there - listed):
        remarks.append(Remark("unknown participant", f"sub-{name}", "is not in participants.tsv"))
    for name in sorted(listed - there):
        remarks.append(Remark("participant without scan", f"sub-{name}", "is in participants.tsv alone"))
    people = people.drop(columns=[name for name in people if name in frame and name != "subject"])
    return frame.merge(people, on="subject", how="left").fillna("")
