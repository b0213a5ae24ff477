"""What a data set holds, told by reading every scan once."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mlfp.data.files import read_row
from mlfp.data.oddities import days_between, oddities
from mlfp.data.scans import ScanFailure
from mlfp.execution.local import run
from mlfp.execution.progress import Progress, silent
from mlfp.interfaces.dataset import Dataset
from mlfp.types.remark import Remark
from mlfp.types.scan_table import ScanTable

#: Columns whose values are counted, where a table has them.
COUNTED = ("modality", "view", "description", "dataset", "site", "split")


@dataclass(frozen=True)
class Duplicate:
    """Scans with the same voxels.

    :param scans: their ids.
    :param subjects: whose they are: more than one means that an id is wrong, or a file was copied.
    """

    scans: tuple[str, ...]
    subjects: tuple[str, ...]


@dataclass(frozen=True)
class Inspection:
    """What was found.

    :param source: where the table came from.
    :param scans: rows of the table.
    :param subjects: different subjects.
    :param scans_per_subject: number of scans to number of subjects with so many.
    :param sessions_per_subject: the same for sessions; empty when the table tells none.
    :param values: column to value to number of scans.
    :param days: from each session of a subject to the next, in order; empty when the table tells no dates.
    :param shapes: spatial shape in voxels, as read, to number of scans.
    :param spacings: voxel size in mm, to two decimals, to number of scans; () is of pictures that do not tell it.
    :param extents: (n,) mm along each axis that hold 98 % of the scans of the most frequent number of axes.
    :param duplicates: scans with the same voxels.
    :param remarks: what is odd about the files and the table, by name.
    :param failures: scans that cannot be read, and why.
    :param read: whether the scans were read: without, nothing is known of shapes, duplicates and failures.
    """

    source: str
    scans: int
    subjects: int
    scans_per_subject: dict[int, int]
    sessions_per_subject: dict[int, int]
    values: dict[str, dict[str, int]]
    days: tuple[int, ...] = ()
    shapes: dict[tuple[int, ...], int] = field(default_factory=dict)
    spacings: dict[tuple[float, ...], int] = field(default_factory=dict)
    extents: tuple[float, ...] = ()
    duplicates: tuple[Duplicate, ...] = ()
    remarks: tuple[Remark, ...] = ()
    failures: tuple[ScanFailure, ...] = ()
    read: bool = True

    @property
    def repeated(self) -> int:
        """Subjects with two scans or more: the only ones that can be asked for, and learned from as pairs."""
        return sum(count for scans, count in self.scans_per_subject.items() if scans > 1)

    @property
    def singletons(self) -> int:
        """Subjects with one scan: distractors, and anatomies to augment."""
        return self.scans_per_subject.get(1, 0)

    def to_json(self) -> dict[str, Any]:
        """As JSON: shapes and spacings as text such as ``77x77x50``."""
        return {
            "source": self.source,
            "scans": self.scans,
            "subjects": self.subjects,
            "repeated_subjects": self.repeated,
            "singletons": self.singletons,
            "scans_per_subject": {str(number): count for number, count in self.scans_per_subject.items()},
            "sessions_per_subject": {str(number): count for number, count in self.sessions_per_subject.items()},
            "days_between_sessions": _summary(self.days),
            "values": self.values,
            "read": self.read,
            "shapes": {"x".join(map(str, shape)): count for shape, count in self.shapes.items()},
            "spacings": {spelled(sizes, "x"): count for sizes, count in self.spacings.items()},
            "duplicates": [{"scans": item.scans, "subjects": item.subjects} for item in self.duplicates],
            "remarks": [{"kind": item.kind, "about": item.about, "text": item.text} for item in self.remarks],
            "failures": [{"scan": item.scan, "subject": item.subject, "reason": item.reason} for item in self.failures],
        }


def spelled(spacing: tuple[float, ...], times: str) -> str:
    """A voxel size as text."""
    return times.join(f"{size:g}" for size in spacing) or "unknown"


def inspect(
    table: ScanTable,
    dataset: Dataset,
    *,
    read: bool = True,
    workers: int | None = None,
    progress: Progress = silent,
) -> Inspection:
    """Read every scan, pixels too (a damaged file often has a sound header), and count.

    :param read: without, only the table is looked at.
    :param workers: processes; None chooses by how long it takes.
    """
    found = _Found()
    if read:
        rows = list(table)
        for done, (place, outcome) in enumerate(run(_Look(dataset), rows, workers=workers), start=1):
            found.add(place, rows[place], outcome)
            progress("reading", done, len(rows))
    return Inspection(
        source=table.source,
        scans=len(table),
        subjects=len(set(table.subjects)),
        scans_per_subject=_tally(Counter(table.subjects)),
        sessions_per_subject=_sessions(table),
        values={name: dict(Counter(table.column(name)).most_common()) for name in COUNTED if _tells(table, name)},
        days=tuple(int(day) for day in days_between(table.frame)),
        shapes=dict(found.shapes.most_common()),
        spacings=dict(found.spacings.most_common()),
        extents=found.extents(),
        duplicates=found.duplicates(table),
        remarks=tuple(oddities(table)),
        failures=tuple(found.failures[place] for place in sorted(found.failures)),
        read=read,
    )


@dataclass(frozen=True)
class _Seen:
    """What is kept of one scan."""

    shape: tuple[int, ...]
    spacing: tuple[float, ...]
    content: str


@dataclass(frozen=True)
class _Look:
    """Reads a row's scan; a class so that worker processes can be given the data set once."""

    dataset: Dataset

    def __call__(self, row: Mapping[str, Any]) -> _Seen:
        volume = read_row(self.dataset, row)
        content = hashlib.sha256(np.ascontiguousarray(volume.data).tobytes()).hexdigest()
        spacing = tuple(round(size, 2) for size in volume.spacing)
        # A picture's file rarely tells the size of its pixels, and readers then say 1.
        untold = volume.spatial_dims == 2 and set(spacing) == {1.0}
        return _Seen(volume.shape, () if untold else spacing, f"{volume.shape} {content}")


class _Found:
    """What reading brings, scan by scan."""

    def __init__(self) -> None:
        self.shapes: Counter[tuple[int, ...]] = Counter()
        self.spacings: Counter[tuple[float, ...]] = Counter()
        self.failures: dict[int, ScanFailure] = {}
        self._places: dict[str, list[int]] = {}
        self._extents: dict[int, list[tuple[float, ...]]] = {}

    def add(self, place: int, row: Mapping[str, Any], outcome: _Seen | Exception) -> None:
        if isinstance(outcome, Exception):
            self.failures[place] = ScanFailure.of(row, outcome)
            return
        self.shapes[outcome.shape] += 1
        self.spacings[outcome.spacing] += 1
        self._places.setdefault(outcome.content, []).append(place)
        steps = outcome.spacing or (1.0,) * len(outcome.shape)
        extent = tuple(size * step for size, step in zip(outcome.shape, steps, strict=True))
        self._extents.setdefault(len(extent), []).append(extent)

    def duplicates(self, table: ScanTable) -> tuple[Duplicate, ...]:
        groups = sorted(sorted(places) for places in self._places.values() if len(places) > 1)
        return tuple(
            Duplicate(
                tuple(str(scan) for scan in table.scans[places]),
                tuple(sorted({str(subject) for subject in table.subjects[places]})),
            )
            for places in groups
        )

    def extents(self) -> tuple[float, ...]:
        if not self._extents:
            return ()
        usual = max(self._extents.values(), key=len)
        return tuple(float(length) for length in np.percentile(usual, 98, axis=0))


def _tells(table: ScanTable, column: str) -> bool:
    return column in table.columns and bool((table.column(column) != "").any())


def _summary(days: tuple[int, ...]) -> dict[str, float] | None:
    if not days:
        return None
    return {"intervals": len(days), "least": days[0], "median": float(np.median(days)), "most": days[-1]}


def _sessions(table: ScanTable) -> dict[int, int]:
    if "session" not in table.columns:
        return {}
    pairs = table.frame[["subject", "session"]].drop_duplicates()
    return _tally(Counter(pairs["subject"]))


def _tally(counts: Counter[Any]) -> dict[int, int]:
    """From thing to number, to number to how many things have it, in order."""
    values, times = np.unique(list(counts.values()), return_counts=True)
    return {int(value): int(time) for value, time in zip(values, times, strict=True)}
