"""How a configuration says who is trained on and who is tested on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlfp import parameters
from mlfp.bench.protocol import Protocol
from mlfp.data.folds import grouping
from mlfp.data.splits import Split, split_by_column, split_subjects
from mlfp.errors import ParameterError, nearest
from mlfp.types.scan_table import ScanTable


@dataclass(frozen=True)
class SplitSettings:
    """A split that is disjoint by subject, always.

    :param by: the column whose values stay together: ``subject``, or a coarser one such as ``group`` or ``site``.
    :param val: share of subjects to choose the best weights on.
    :param test: share of subjects to measure on; 1 where nothing is trained.
    :param seed: of the split, and of what is drawn when measuring; the seeds of trainings never change it.
    :param column: take the split from this column (values train, val, test) instead.
    """

    by: str = "subject"
    val: float = 0.15
    test: float = 0.35
    seed: int = 0
    column: str | None = None

    @classmethod
    def parse(cls, value: Any) -> SplitSettings:
        """Read it.

        :raises ParameterError: an unknown key or a wrong value.
        """
        if not isinstance(value, Mapping):
            raise ParameterError(f"split should be a mapping, got {value!r}", hints=["Write {by: subject, test: 0.35}"])
        known = parameters.parameters_of(cls)[0]
        for name in value:
            if name not in known:
                hints = [*nearest(name, known), f"Keys: {', '.join(known)}"]
                raise ParameterError(f"unknown key {name!r}", key=(name,), hints=hints)
        settings = cls(**parameters.check(cls, value, component="split", context={}))
        settings._check_shares()
        return settings

    def _check_shares(self) -> None:
        for name, share in (("val", self.val), ("test", self.test)):
            if not 0 <= share <= 1:
                raise ParameterError(f"{name} is a share of subjects, from 0 to 1; got {share}", key=(name,))
        if self.val + self.test > 1:
            raise ParameterError(f"val {self.val} and test {self.test} leave no subject to train on", key=("test",))

    @property
    def trains(self) -> bool:
        """Whether some subjects are left to train on. A comparison of what needs no training may test on all."""
        return self.column is not None or self.val + self.test < 1

    def apply(self, table: ScanTable) -> Split:
        """Split a table's scans.

        :raises UsageError: a subject would stand on two sides.
        """
        if self.column is not None:
            return split_by_column(table, column=self.column)
        return split_subjects(table, by=self.by, val=self.val, test=self.test, seed=self.seed, trains=self.trains)


def grouped_by(settings: SplitSettings, protocol: Protocol, table: ScanTable) -> str:
    """The column whose values stay together under a protocol: as its author says, else families or sites if known."""
    if protocol.by is not None:
        return protocol.by
    return settings.by if settings.by != "subject" else grouping(table, protocol.folds)
