"""How a reading of the panel is made from queries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from mlfp.evaluation import intervals
from mlfp.types.estimate import Estimate, Units
from mlfp.types.exhibit import Reading
from mlfp.types.scan_table import ScanTable

#: Share of what lies between chance and certainty, or of the accuracy, above which a reading raises the alarm.
TOLERATED = 0.5


@dataclass
class Findings:
    """Readings, the estimates they are from, and what could not be looked at.

    :param seed: of the bootstrap.
    """

    seed: int
    readings: list[Reading] = field(default_factory=list)
    estimates: dict[str, Estimate] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(
        self,
        key: str,
        name: str,
        estimate: Estimate,
        *,
        reference: float,
        alarm: Callable[[Estimate], bool],
        fine: str,
        wrong: str,
        partly: tuple[Callable[[Estimate], bool], str] | None = None,
    ) -> None:
        """Keep a reading.

        :param key: the metric's name.
        :param fine: what it says without an alarm. :param wrong: what with one.
        :param partly: when something of the fault is shown, though not enough for an alarm, and what it says then.
        """
        self.estimates[key] = estimate
        raised = bool(alarm(estimate))  # JSON knows no truth of numpy's
        says = wrong if raised else partly[1] if partly is not None and partly[0](estimate) else fine
        self.readings.append(
            Reading(name, estimate.value, estimate.low, estimate.high, estimate.n, reference, raised, says)
        )

    def average(self, queries: ScanTable, values: np.ndarray, kept: np.ndarray) -> Estimate:
        """The mean of a value over some queries, with its interval.

        :param kept: (Q,) bool.
        """
        units = Units(queries.scans[kept], queries.subjects[kept], values[kept], np.ones(int(kept.sum())))
        return intervals.estimate(units, seed=self.seed)


def excess(value: float, chance: float) -> float:
    """How much of the way from chance to certainty a value has gone."""
    return (value - chance) / max(1 - chance, 1e-9)
