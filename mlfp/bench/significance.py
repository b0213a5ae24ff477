"""How a configuration asks for methods to be compared in pairs, and the comparisons it gets."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlfp import parameters
from mlfp.bench.results import Row
from mlfp.errors import ParameterError, nearest
from mlfp.evaluation.comparing import PERMUTATIONS, Comparison
from mlfp.evaluation.direction import merit
from mlfp.evaluation.rates import compare_estimates, testable

#: Instead of a method: the best by each metric, or every one.
BEST, ALL = "best", "all"


@dataclass(frozen=True)
class Significance:
    """Who is compared with whom.

    :param baseline: the label of a method, with which all others are compared; ``best``: by each metric, its best
        method; ``all``: every two. The best is known only after a look at the values, so ``best`` pays for as many
        tests as ``all`` does.
    :param level: the chance of any false alarm among the tests of a metric.
    :param permutations: swaps behind a p-value, where there are too many to try them all.
    """

    baseline: str = BEST
    level: float = 0.05
    permutations: int = PERMUTATIONS

    @classmethod
    def parse(cls, value: Any) -> Significance:
        """Read it.

        :raises ParameterError: an unknown key or a wrong value.
        """
        if not isinstance(value, Mapping):
            raise ParameterError(
                f"significance should be a mapping, got {value!r}",
                hints=["Write {baseline: best}, or a method's label"],
            )
        known = parameters.parameters_of(cls)[0]
        for name in value:
            if name not in known:
                hints = [*nearest(str(name), known), f"Keys: {', '.join(known)}"]
                raise ParameterError(f"unknown key {name!r}", key=(name,), hints=hints)
        found = cls(**parameters.check(cls, value, component="significance", context={}))
        if not 0 < found.level < 1:
            raise ParameterError(f"level is a chance between 0 and 1, got {found.level}", key=("level",))
        if found.permutations < 99:
            raise ParameterError(f"permutations should be 99 or more, got {found.permutations}", key=("permutations",))
        return found

    def check(self, labels: Sequence[str]) -> None:
        """Complain of a baseline that is no method.

        :raises ParameterError: with the nearest.
        """
        if self.baseline not in (BEST, ALL, *labels):
            raise ParameterError(
                f"the baseline {self.baseline!r} is no method of this comparison",
                key=("baseline",),
                hints=[*nearest(self.baseline, labels), f"Methods: {', '.join(labels)}; or best, or all"],
            )

    def apply(self, rows: Iterable[Row], *, seed: int) -> list[Comparison]:
        """Compare the rows of each group by every metric that is tested; not by those of single pairs or groups.

        :param seed: of resamples and swaps.
        """
        groups: dict[str, list[Row]] = {}
        for row in rows:
            groups.setdefault(row.group, []).append(row)
        found = []
        for group in groups.values():
            for metric in dict.fromkeys(name for row in group for name in row.metrics if "[" not in name):
                found += self._by(metric, [row for row in group if metric in row.metrics], seed)
        return found

    def _by(self, metric: str, rows: Sequence[Row], seed: int) -> list[Comparison]:
        measured = {row.label: item for row in rows if testable(item := row.metrics[metric])}
        if len(measured) < 2:
            return []
        named = self.baseline if self.baseline in measured and self.baseline not in (BEST, ALL) else None
        compared = compare_estimates(
            metric, measured, seed=seed, against=named, level=self.level, permutations=self.permutations
        )
        if self.baseline == ALL:
            return compared
        with_whom = named or max(measured, key=lambda label: _value(rows, label, metric))
        # A method beside the baseline, the method first.
        chosen = [item for item in compared if with_whom in (item.first, item.second)]
        return [item.turned() if item.first == with_whom else item for item in chosen]


def _value(rows: Sequence[Row], label: str, metric: str) -> float:
    value = next(row.metrics[metric].value for row in rows if row.label == label)
    return -math.inf if math.isnan(value) else merit(metric, value)
