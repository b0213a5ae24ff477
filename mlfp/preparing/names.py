"""What the files of a scan are called: BIDS derivatives."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mlfp.types.scan_table import ScanTable

#: Modalities by how people write them, to BIDS's suffix and, for contrast agents, its entity ``ce``.
_SUFFIXES = {
    "t1": ("T1w", ""), "t1w": ("T1w", ""), "t2": ("T2w", ""), "t2w": ("T2w", ""), "flair": ("FLAIR", ""),
    "t2flair": ("FLAIR", ""), "pd": ("PDw", ""), "pdw": ("PDw", ""), "inplanet2": ("inplaneT2", ""),
    "t1c": ("T1w", "agent"), "t1ce": ("T1w", "agent"), "t1gd": ("T1w", "agent"), "t1post": ("T1w", "agent"),
}  # fmt: skip


@dataclass(frozen=True)
class Name:
    """Where a scan's files lie.

    :param folder: below the data set: ``sub-01/ses-1/anat``.
    :param entities: ``sub-01_ses-1_run-2``, without space and description.
    :param suffix: ``T1w``.
    :param space: label of the template; empty where scans are not registered.
    """

    folder: str
    entities: str
    suffix: str
    space: str

    @property
    def stem(self) -> str:
        """Of the prepared scan and its sidecar."""
        return f"{self.folder}/{self.entities}{self._space}_desc-prepared_{self.suffix}"

    @property
    def mask(self) -> str:
        """Of the brain mask."""
        return f"{self.folder}/{self.entities}{self._space}_desc-brain_mask"

    @property
    def transform(self) -> str:
        """Of the way from the scan to the template."""
        return f"{self.folder}/{self.entities}_from-{self.suffix}_to-{self.space}_mode-image_xfm"

    @property
    def _space(self) -> str:
        return f"_space-{self.space}" if self.space else ""


def names_of(table: ScanTable, space: str) -> list[Name]:
    """A name for every row, all different.

    Labels are letters and digits; where two subjects (or two sessions of one) become the same by that, a hash of the
    text tells them apart. Scans that nothing else tells apart are numbered (``run``), in the order of their ids.
    """
    rows = list(table)
    subjects = _labels(row["subject"] for row in rows)
    visits: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        visits[row["subject"]] |= {_session(row)} - {""}
    sessions = {subject: _labels(found) for subject, found in visits.items()}
    bare = [_bare(row, subjects, sessions[row["subject"]]) for row in rows]
    alike: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for place in sorted(range(len(rows)), key=lambda place: str(rows[place]["scan"])):
        alike[bare[place]].append(place)
    named: dict[int, Name] = {}
    for (folder, entities, suffix), places in alike.items():
        for number, place in enumerate(places, start=1):
            run = f"_run-{number}" if len(places) > 1 else ""
            named[place] = Name(folder, entities + run, suffix, space)
    return [named[place] for place in range(len(rows))]


def _bare(row: Mapping[str, Any], subjects: Mapping[str, str], sessions: Mapping[str, str]) -> tuple[str, str, str]:
    modality = _alphanumeric(str(row.get("modality", "")))
    suffix, agent = _SUFFIXES.get(modality.casefold(), (modality or "image", ""))
    parts = [f"sub-{subjects[row['subject']]}"]
    if _session(row):
        parts.append(f"ses-{sessions[_session(row)]}")
    folder = "/".join([*parts, "anat"])
    return folder, "_".join([*parts, *([f"ce-{agent}"] if agent else [])]), suffix


def _session(row: Mapping[str, Any]) -> str:
    return str(row.get("session") or row.get("date") or "")


def _labels(texts: Iterable[str]) -> dict[str, str]:
    """A label of letters and digits for every different text, none shared."""
    different = sorted(set(texts))
    plain = {text: _alphanumeric(text) for text in different}
    taken: dict[str, int] = defaultdict(int)
    for label in plain.values():
        taken[label.casefold()] += 1  # some file systems take Sub and sub for one
    return {
        text: label if label and taken[label.casefold()] == 1 else label + hashlib.sha256(text.encode()).hexdigest()[:8]
        for text, label in plain.items()
    }


def _alphanumeric(text: str) -> str:
    return "".join(letter for letter in text if letter.isascii() and letter.isalnum())
