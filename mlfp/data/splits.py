"""Who is trained on, who is validated on, who is tested on: never one subject on two sides."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from mlfp.errors import UsageError
from mlfp.seeds import derive
from mlfp.types.scan_table import ScanTable
from mlfp.wording import counted

SIDES = ("train", "val", "test")
_OTHER_NAMES = {
    "training": "train", "valid": "val", "validation": "val", "dev": "val", "testing": "test",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Split:
    """Positions of a table's rows on each side.

    :param train: positions of the scans to learn from.
    :param val: of those to choose the best weights on.
    :param test: of those to measure on.
    :param digest: hash of which scan is on which side, whatever the order of rows.
    """

    train: np.ndarray
    val: np.ndarray
    test: np.ndarray
    digest: str

    @classmethod
    def of(cls, table: ScanTable, sides: np.ndarray) -> Split:
        """From (N,) names of sides.

        :raises UsageError: a subject would stand on two sides.
        """
        train, val, test = (np.flatnonzero(sides == side) for side in SIDES)
        text = "\n".join(sorted(f"{scan}\x1f{side}" for scan, side in zip(table.scans, sides, strict=True)))
        split = cls(train, val, test, hashlib.sha256(text.encode()).hexdigest())
        check_disjoint(table, split)
        return split

    def __iter__(self) -> Iterator[tuple[str, np.ndarray]]:
        """Name and positions of each side."""
        return ((side, getattr(self, side)) for side in SIDES)


def split_subjects(
    table: ScanTable,
    *,
    by: str = "subject",
    val: float = 0.15,
    test: float = 0.35,
    seed: int = 0,
    trains: bool = True,
) -> Split:
    """Share out subjects, in an order drawn from the seed and their names: the order of rows does not matter.

    :param by: the column whose values stay together: ``subject``, or a coarser one such as ``group`` or ``site``.
        Subjects that stand in several of its values tie these together.
    :param val: share of subjects to validate on.
    :param test: share of subjects to test on.
    :param trains: whether some must be left to train on.
    :raises UsageError: shares that leave no subject for a side that should have some.
    """
    if min(val, test) < 0 or val + test > 1 or (trains and val + test == 1):
        raise UsageError(f"val {val} and test {test} should be shares of subjects that leave some to train on")
    units = together(table.subjects.astype(str), table.column(by).astype(str))
    order = sorted(units, key=lambda name: (derive(seed, "split", name), name))
    total = sum(len(subjects) for subjects in units.values())
    wanted = {"test": _share(test, total), "val": _share(val, total)}
    side_of = dict.fromkeys(table.subjects.astype(str), "train")
    for side, count in wanted.items():
        taken = 0
        # A unit is taken while that brings the side nearer to its share, and at least one.
        while order and (taken == 0 < count or abs(count - taken - len(units[order[0]])) < abs(count - taken)):
            unit = units[order.pop(0)]
            side_of.update(dict.fromkeys(unit, side))
            taken += len(unit)
    sides = np.array([side_of[subject] for subject in table.subjects.astype(str)], dtype=object)
    way_out = "Give more subjects, or other shares: split: {val: 0.15, test: 0.35}"
    _check_filled(table, sides, by, {"train": int(trains), **wanted}, way_out=way_out)
    return Split.of(table, sides)


def split_by_column(table: ScanTable, column: str = "split") -> Split:
    """The split that a column of the table tells: its values are train, val and test (or longer names for them).

    :raises UsageError: another value, no scan to train or to test on, or a subject on two sides.
    """
    values = np.array([value.strip().lower() for value in table.column(column)], dtype=object)
    sides = np.array([_OTHER_NAMES.get(value, value) for value in values], dtype=object)
    wrong = np.flatnonzero(~np.isin(sides.astype(str), SIDES))
    if len(wrong):
        raise UsageError(
            f"column {column!r} of {table.source} says {values[wrong[0]]!r} for scan {table.scans[wrong[0]]}",
            hints=[f"{counted(len(wrong), 'scan has', 'scans have')} no side. The sides are {', '.join(SIDES)}."],
        )
    way_out = f"Write {' or '.join(SIDES)} into {column!r}, or have the subjects shared out: split: {{by: subject}}"
    _check_filled(table, sides, column, {"train": 1, "test": 1}, way_out=way_out)
    return Split.of(table, sides)


def check_disjoint(table: ScanTable, split: Split) -> None:
    """Refuse a split with a subject on two sides: a method would be measured on faces that it knows.

    :raises UsageError: names such subjects.
    """
    subjects = table.subjects.astype(str)
    seen: dict[str, set[str]] = {}
    for side, rows in split:
        for subject in set(subjects[rows]):
            seen.setdefault(subject, set()).add(side)
    torn = sorted(subject for subject, sides in seen.items() if len(sides) > 1)
    if torn:
        examples = [f"{name} is in {' and '.join(side for side in SIDES if side in seen[name])}" for name in torn[:5]]
        raise UsageError(
            f"{counted(len(torn), 'subject stands', 'subjects stand')} on two sides of the split of {table.source}",
            hints=[*examples, "Put all scans of a subject on one side: split: {by: subject}"],
        )


def together(subjects: np.ndarray, values: np.ndarray) -> dict[str, list[str]]:
    """Subjects that stay together, by a name of theirs: linked by a shared value, directly or over others."""
    parent: dict[str, str] = {}

    def root(item: str) -> str:
        while parent.setdefault(item, item) != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    for subject, value in sorted(set(zip(subjects, values, strict=True))):
        # An empty value ties nobody to anybody.
        first, second = root(f"s:{subject}"), root(f"v:{value}" if value else f"s:{subject}")
        parent[max(first, second)] = min(first, second)
    units: dict[str, list[str]] = {}
    for subject in sorted(set(subjects)):
        units.setdefault(root(f"s:{subject}"), []).append(subject)
    return {members[0]: members for members in units.values()}


def _share(share: float, total: int) -> int:
    return max(1, round(share * total)) if share > 0 else 0


def _check_filled(table: ScanTable, sides: np.ndarray, column: str, wanted: Mapping[str, int], *, way_out: str) -> None:
    for side, count in wanted.items():
        if count and not (sides == side).any():
            raise UsageError(
                f"the split of {table.source} leaves no subject to {side if side != 'val' else 'validate'} on",
                hints=[
                    f"It has {counted(len(set(table.subjects)), 'subject')}, and "
                    f"{len(set(table.column(column)))} values of {column!r}.",
                    way_out,
                ],
            )
