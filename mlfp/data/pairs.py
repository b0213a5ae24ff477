"""Which scans of a subject may stand together in a batch: all of one modality, none of the same, or any."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mlfp.types.scan_table import ScanTable


@dataclass(frozen=True)
class PairRule:
    """What the scans of a subject in a batch have to do with each other.

    :param column: of the scan table: ``modality``, ``session``, ``site``, ...
    :param rule: their values there are all the ``same``, all ``different``, or ``any``. A scan without a value is drawn
        under ``any`` alone.
    :param prefer: draw subjects that cannot keep the rule too, as if there were none. Few-Shot Fingerprinting's
        released code prefers a positive of another modality.
    """

    column: str
    rule: Literal["same", "different", "any"]
    prefer: bool = False

    def __str__(self) -> str:
        return f"any {self.column}" if self.rule == "any" else f"{self.rule} {self.column}"


class PairDrawer:
    """Draws scans of a subject that keep a rule: every set that does is equally likely, and so is every order.

    :param table: the scans.
    :param scans: how many of a subject.
    :raises ParameterError: the table has no such column.
    """

    def __init__(self, table: ScanTable, rule: PairRule, scans: int) -> None:
        self.rule, self.scans = rule, scans
        values = table.column(rule.column)
        known = table.frame[rule.column].notna().to_numpy() & (values != "")
        # Numbered in the order of their names, so that no draw depends on that of the table's rows.
        self._values = np.where(known, np.unique(values, return_inverse=True)[1], -1)

    def can(self, rows: np.ndarray) -> bool:
        """Whether some scans among a subject's rows keep the rule."""
        sizes = [len(group) for group in self._groups(rows)]
        if self.rule.rule == "any":
            return len(rows) >= self.scans
        return len(sizes) >= self.scans if self.rule.rule == "different" else max(sizes, default=0) >= self.scans

    def draw(self, rows: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """(scans,) of a subject's rows; any, where none keep the rule."""
        if self.rule.rule == "any" or not self.can(rows):
            return generator.permutation(rows)[: self.scans]
        groups = self._groups(rows)
        if self.rule.rule == "different":
            chosen = _groups_of_a_set([len(group) for group in groups], self.scans, generator)
            return generator.permutation([generator.choice(groups[place]) for place in chosen])
        weights = np.array([math.comb(len(group), self.scans) for group in groups], dtype=float)
        group = groups[generator.choice(len(groups), p=weights / weights.sum())]
        return generator.permutation(group)[: self.scans]

    def _groups(self, rows: np.ndarray) -> list[np.ndarray]:
        """The rows of each value, without those that have none."""
        values = self._values[rows]
        return [rows[values == value] for value in np.unique(values) if value >= 0]


def _groups_of_a_set(sizes: Sequence[int], count: int, generator: np.random.Generator) -> list[int]:
    """Which ``count`` groups a random set of members comes from, no two of one group, all sets equally likely."""
    # ways[n][k]: sets of k members, each of another of the groups from the n-th on.
    ways = np.zeros((len(sizes) + 1, count + 1))
    ways[:, 0] = 1
    for place in reversed(range(len(sizes))):
        ways[place, 1:] = ways[place + 1, 1:] + sizes[place] * ways[place + 1, :-1]
    chosen: list[int] = []
    for place, size in enumerate(sizes):
        left = count - len(chosen)
        if left and generator.random() * ways[place, left] < size * ways[place + 1, left - 1]:
            chosen.append(place)
    return chosen
