"""Methods compared in pairs: whether one is better than another, by how much, and whether that could be chance.

Whole subjects are the unit of chance throughout: the interval resamples them, the test swaps the two methods' values of
all scans of a subject at once. What the papers did instead (tests over queries) stands beside it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from mlfp.evaluation import paired
from mlfp.evaluation.paired import Discordant, TTest
from mlfp.seeds import numpy_generator
from mlfp.types.estimate import Units

#: Bytes of resampled subject counts held at a time.
BUDGET = 1 << 25
#: Resamples behind an interval, and swaps behind a p-value, unless asked otherwise.
RESAMPLES, PERMUTATIONS = 1000, 9999
#: Differences of sums that are rounding and nothing else.
ROUNDING = 1e-12

Verdict = Literal["higher", "lower", "none"]
Test = Literal["permutation", "bootstrap"]


@dataclass(frozen=True)
class Comparison:
    """Two methods on the same queries, or pairs.

    :param metric: ``evaluation.metric``.
    :param first: a method.
    :param second: another.
    :param difference: of their values, first less second.
    :param low: lower end of its 95 % interval, by bootstrap over subjects.
    :param high: upper end.
    :param queries: compared.
    :param subjects: they are of.
    :param p: of the permutation test by subject, two-sided.
    :param p_holm: corrected for the ``family`` tests that were made of this metric.
    :param family: how many these are.
    :param least: the smallest p that the subjects at hand could have given.
    :param higher: subjects that the first does better by; ``lower``, ``same``: those that it does worse, or as well.
    :param effect: Cohen's d_z: the mean over subjects of the difference, in standard deviations; ``nan`` where no
        subject differs from another.
    :param level: below which a corrected p shows a difference.
    :param mcnemar: over queries; None where a value is neither 0 nor 1.
    :param t_test: over queries.
    :param test: behind ``p``; ``bootstrap`` for what is no average of queries (:mod:`mlfp.evaluation.rates`), where
        ``queries`` are mated pairs, and what is counted by subject or by query is empty.
    """

    metric: str
    first: str
    second: str
    difference: float
    low: float
    high: float
    queries: int
    subjects: int
    p: float
    p_holm: float
    family: int
    least: float
    higher: int
    lower: int
    same: int
    effect: float
    level: float
    mcnemar: Discordant | None
    t_test: TTest
    test: Test = "permutation"

    @property
    def verdict(self) -> Verdict:
        """Whether the first is ``higher``, ``lower``, or no difference is shown."""
        if not self.p_holm < self.level:
            return "none"
        return "higher" if self.difference > 0 else "lower"

    @property
    def too_few(self) -> bool:
        """Whether no outcome at all with these subjects could have shown a difference."""
        return self.least * self.family >= self.level

    def turned(self) -> Comparison:
        """The same comparison with the two methods in the other places."""
        mcnemar = self.mcnemar
        return replace(
            self,
            first=self.second,
            second=self.first,
            difference=-self.difference,
            low=-self.high,
            high=-self.low,
            higher=self.lower,
            lower=self.higher,
            effect=-self.effect,
            mcnemar=mcnemar and Discordant(mcnemar.only_second, mcnemar.only_first, mcnemar.p),
            t_test=replace(self.t_test, t=-self.t_test.t),
        )

    def say(self) -> str:
        """What it comes to, in words."""
        between = f"{signed(self.difference)} ({signed(self.low)} to {signed(self.high)})"
        p = f"{said_p(self.p_holm)}" + (f" (Holm, {self.family} tests)" if self.family > 1 else "")
        if self.verdict != "none":
            return f"{self.first} is {self.verdict} than {self.second}: {between}, {p}."
        if self.too_few:
            differ = f"{self.higher + self.lower} of {self.subjects} subjects"
            return (
                f"{self.first} and {self.second}: no difference shown; {differ} differ, too few to show one; {between}."
            )
        return f"{self.first} and {self.second}: no difference shown; {between}, {p}."

    def to_json(self) -> dict[str, Any]:
        """For machines, with the verdict and the words."""
        return {**asdict(self), "verdict": self.verdict, "too_few": self.too_few, "words": self.say()}

    @classmethod
    def of_json(cls, data: Mapping[str, Any]) -> Comparison:
        """What :meth:`to_json` told."""
        rest = {key: value for key, value in data.items() if key not in ("verdict", "too_few", "words")}
        rest["t_test"] = TTest(**{key: _number(value) for key, value in rest["t_test"].items()})
        mcnemar = rest.pop("mcnemar")
        numbers = {key: _number(value) for key, value in rest.items()}
        return cls(**numbers, mcnemar=None if mcnemar is None else Discordant(**mcnemar))


def signed(value: float) -> str:
    """``+0.135``, ``-0.013``, and ``0.000`` for what is rounded to nothing, whatever its sign."""
    text = f"{value:+.3f}"
    return text if text.strip("+-0.") else "0.000"


def said_p(p: float) -> str:
    """``p = 0.012``, ``p < 0.001``."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def _number(value: Any) -> Any:
    return math.nan if value is None else value


@dataclass(frozen=True)
class _Table:
    """Several methods' values of the same queries.

    :param values: (U, M).
    :param totals: (S, M) weighted sums of each subject.
    :param weights: (S,) sums of the weights.
    """

    values: np.ndarray
    totals: np.ndarray
    weights: np.ndarray


def compare(
    metric: str,
    measured: Mapping[str, Units],
    *,
    seed: int,
    against: str | None = None,
    level: float = 0.05,
    resamples: int = RESAMPLES,
    permutations: int = PERMUTATIONS,
) -> list[Comparison]:
    """Compare every two methods, or each with one, by one metric.

    Holm's correction is over all tests made here. Queries that not all methods were measured on are left out; what
    comes out depends neither on the order of rows nor, but for who is first, on that of methods.

    :param measured: by method, what its value is an average of.
    :param seed: of the resamples and of the swaps.
    :param against: the one method that the others are compared with, chosen before looking at the values.
    :returns: nothing where fewer than two methods, or no common query, are there.
    """
    names = list(measured)
    pairs = list(itertools.combinations(range(len(names)), 2))
    if against is not None:
        pairs = [(a, b) for a, b in pairs if against in (names[a], names[b])]
    table = _table(list(measured.values())) if pairs else None
    if table is None or len(table.weights) == 0:
        return []
    differences = np.stack([table.totals[:, a] - table.totals[:, b] for a, b in pairs], axis=1)
    differences[np.abs(differences) < ROUNDING * max(1.0, np.abs(table.totals).max())] = 0
    p = paired.permutation(differences, seed=seed, draws=permutations)
    corrected = paired.holm(p)
    low, high = _intervals(differences, table.weights, seed=seed, resamples=resamples, level=0.95)
    return [
        Comparison(
            metric=metric,
            first=names[a],
            second=names[b],
            low=float(low[place]),
            high=float(high[place]),
            p=float(p[place]),
            p_holm=float(corrected[place]),
            family=len(pairs),
            level=level,
            mcnemar=paired.mcnemar(table.values[:, a], table.values[:, b]),
            t_test=paired.t_test(table.values[:, a], table.values[:, b]),
            queries=len(table.values),
            **_described(differences[:, place], table.weights, permutations),
        )
        for place, (a, b) in enumerate(pairs)
    ]


def _described(differences: np.ndarray, weights: np.ndarray, permutations: int) -> dict[str, Any]:
    """The difference of two methods, and of how many subjects it is."""
    by_subject = differences / weights
    differing = int(np.count_nonzero(by_subject))
    return {
        "difference": float(differences.sum() / weights.sum()),
        "subjects": len(by_subject),
        "higher": int(np.sum(by_subject > 0)),
        "lower": int(np.sum(by_subject < 0)),
        "same": len(by_subject) - differing,
        "effect": _effect(by_subject),
        "least": paired.least(differing, draws=permutations),
    }


def _effect(by_subject: np.ndarray) -> float:
    spread = float(by_subject.std(ddof=1)) if len(by_subject) > 1 else 0.0
    return float(by_subject.mean()) / spread if spread > 0 else math.nan


def _table(measured: Sequence[Units]) -> _Table | None:
    """The queries that all methods were measured on; None where methods weigh one differently."""
    places = _places([units.names for units in measured])
    values = np.stack([units.values[rows] for units, rows in zip(measured, places, strict=True)], axis=1)
    weights = np.stack([units.weights[rows] for units, rows in zip(measured, places, strict=True)], axis=1)
    if not (weights == weights[:, :1]).all():
        return None
    used = weights[:, 0] > 0
    values, weight = values[used].astype(np.float64), weights[used, 0].astype(np.float64)
    _, codes = np.unique(measured[0].subjects[places[0]][used].astype(str), return_inverse=True)
    totals = np.stack([np.bincount(codes, weight * column) for column in values.T], axis=1)
    return _Table(values, totals, np.bincount(codes, weight))


def _places(names: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Of each method, where the common queries are: in the order of their ids, so that no rounding depends on rows."""
    if all(np.array_equal(names[0], other) for other in names[1:]):
        return [np.argsort(names[0].astype(str), kind="stable")] * len(names)
    indices = [_index(item) for item in names]
    common = indices[0]
    for index in indices[1:]:
        common = common.intersection(index, sort=False)
    common = common.sort_values()
    return [index.get_indexer(common) for index in indices]


def _index(names: np.ndarray) -> pd.MultiIndex:
    """Queries by name; one that asks in several trials by name and how often it was there before."""
    texts = pd.Series(names.astype(str))
    return pd.MultiIndex.from_arrays([texts, texts.groupby(texts).cumcount()])


def _intervals(
    differences: np.ndarray, weights: np.ndarray, *, seed: int, resamples: int, level: float
) -> tuple[np.ndarray, np.ndarray]:
    """(C,) ends of the percentile intervals: the same subjects are drawn for every pair; ``nan`` with one subject."""
    subjects, pairs = differences.shape
    if subjects == 1:
        return np.full(pairs, np.nan), np.full(pairs, np.nan)
    generator = numpy_generator(seed, "bootstrap", subjects)
    rows = max(1, BUDGET // (8 * subjects))
    means = []
    for start in range(0, resamples, rows):
        drawn = generator.integers(0, subjects, (min(rows, resamples - start), subjects))
        cells = drawn + subjects * np.arange(len(drawn))[:, None]
        counts = np.bincount(cells.ravel(), minlength=drawn.size).reshape(drawn.shape).astype(np.float64)
        means.append((counts @ differences) / (counts @ weights)[:, None])
    tail = (1 - level) / 2
    low, high = np.quantile(np.concatenate(means), [tail, 1 - tail], axis=0)
    return low, high
