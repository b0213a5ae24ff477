"""What a data set holds, told by reading every scan once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlfp.data.files import read_row
from mlfp.data.scans import ScanFailure
from mlfp.execution.local import run
from mlfp.execution.progress import Progress, silent
from mlfp.interfaces.dataset import Dataset
from mlfp.types.scan_table import ScanTable

#: Columns whose values are counted, where a table has them.
COUNTED = ("modality", "view", "dataset", "site", "split")


@dataclass(frozen=True)
class Inspection:
    """What was found.

    :param source: where the table came from.
    :param scans: rows of the table.
    :param subjects: different subjects.
    :param scans_per_subject: number of scans to number of subjects with so many.
    :param sessions_per_subject: the same for sessions; empty when the table tells none.
    :param values: column to value to number of scans.
    :param shapes: spatial shape in voxels, as read, to number of scans.
    :param spacings: voxel size in mm, to two decimals, to number of scans.
    :param failures: scans that cannot be read, and why.
    """

    source: str
    scans: int
    subjects: int
    scans_per_subject: dict[int, int]
    sessions_per_subject: dict[int, int]
    values: dict[str, dict[str, int]]
    shapes: dict[tuple[int, ...], int]
    spacings: dict[tuple[float, ...], int]
    failures: tuple[ScanFailure, ...]

    @property
    def repeated(self) -> int:
        """Subjects with two scans or more: the only ones that can be asked for, and learned from as pairs."""
        return sum(count for scans, count in self.scans_per_subject.items() if scans > 1)

    def to_json(self) -> dict[str, Any]:
        """As JSON: shapes and spacings as text such as ``77x77x50``."""
        return {
            "source": self.source,
            "scans": self.scans,
            "subjects": self.subjects,
            "repeated_subjects": self.repeated,
            "scans_per_subject": {str(number): count for number, count in self.scans_per_subject.items()},
            "sessions_per_subject": {str(number): count for number, count in self.sessions_per_subject.items()},
            "values": self.values,
            "shapes": {"x".join(map(str, shape)): count for shape, count in self.shapes.items()},
            "spacings": {"x".join(f"{size:g}" for size in sizes): count for sizes, count in self.spacings.items()},
            "failures": [{"scan": item.scan, "subject": item.subject, "reason": item.reason} for item in self.failures],
        }


def inspect(
    table: ScanTable, dataset: Dataset, *, workers: int | None = None, progress: Progress = silent
) -> Inspection:
    """Read every scan, pixels too (a damaged file often has a sound header), and count.

    :param workers: processes; None chooses by how long it takes.
    """
    rows = list(table)
    shapes: Counter[tuple[int, ...]] = Counter()
    spacings: Counter[tuple[float, ...]] = Counter()
    failures: dict[int, ScanFailure] = {}
    for done, (place, found) in enumerate(run(_Geometry(dataset), rows, workers=workers), start=1):
        if isinstance(found, Exception):
            failures[place] = ScanFailure.of(rows[place], found)
        else:
            shapes[found[0]] += 1
            spacings[found[1]] += 1
        progress("reading", done, len(rows))
    return Inspection(
        source=table.source,
        scans=len(table),
        subjects=len(set(table.subjects)),
        scans_per_subject=_tally(Counter(table.subjects)),
        sessions_per_subject=_sessions(table),
        values={name: dict(Counter(table.column(name)).most_common()) for name in COUNTED if name in table.columns},
        shapes=dict(shapes.most_common()),
        spacings=dict(spacings.most_common()),
        failures=tuple(failures[place] for place in sorted(failures)),
    )


@dataclass(frozen=True)
class _Geometry:
    """Shape and spacing of a row's scan; a class so that worker processes can be given the data set once."""

    dataset: Dataset

    def __call__(self, row: Mapping[str, Any]) -> tuple[tuple[int, ...], tuple[float, ...]]:
        volume = read_row(self.dataset, row)
        return volume.shape, tuple(round(size, 2) for size in volume.spacing)


def _sessions(table: ScanTable) -> dict[int, int]:
    if "session" not in table.columns:
        return {}
    pairs = set(zip(table.subjects, table.column("session"), strict=True))
    return _tally(Counter(subject for subject, _ in pairs))


def _tally(counts: Counter[Any]) -> dict[int, int]:
    """From thing to number, to number to how many things have it, in order."""
    values, times = np.unique(list(counts.values()), return_counts=True)
    return {int(value): int(time) for value, time in zip(values, times, strict=True)}
