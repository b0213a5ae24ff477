"""Whether a threshold that suits everybody together suits every group."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from mlfp.errors import ParameterError, UsageError, nearest
from mlfp.evaluation import intervals, roc
from mlfp.evaluation.pairs import MOST, Pairs, pairs, subject_codes
from mlfp.evaluation.ranking import rank
from mlfp.types.estimate import Estimate
from mlfp.types.exhibit import Axis, Matrix
from mlfp.types.measured import Measured
from mlfp.types.trial import Trial

#: Pairs of different subjects that intervals are worked out from, at most.
RESAMPLED = 1 << 18
#: A column of numbers with more values than this is cut into ranges.
VALUES = 8
#: Metric to what a matrix calls it.
RATES = {"fnmr": "missed", "fmr": "confused", "hit_at_1": "hit@1", "accepted_hit_at_1": "accepted"}


class Fairness:
    """``fnmr[sex=F]``, ``fmr[sex=F]``, ``hit_at_1[sex=F]`` of each group, errors at one threshold for all, and gaps.

    The threshold is the lowest at which at most a share ``fmr`` of all pairs of different subjects are taken for one.
    A group's false non-match rate is that of mated pairs with a scan in it, its false match rate that of pairs of
    different subjects who both are. Its ``hit_at_1`` is that of queries in it, among the whole gallery;
    ``accepted_hit_at_1`` asks besides that the nearest scan be more alike than the threshold.
    ``fnmr_gap_sex`` is the highest group's rate less the lowest's, and so of the others. A group of fewer than 10
    mated pairs is left out, and so is a false match rate at which fewer than 10 errors are to be expected; a note says
    so. Without a group they are those of all. Intervals resample subjects on both sides, the threshold with them. One
    matrix for each column.

    :param by: columns of the scan table; those that are not there are passed over, unless none is. Numbers (age) are
        cut into ranges.
    :param fmr: the false match rate over everybody.
    :param parts: ranges that a column of numbers is cut into.
    :param most: pairs of different subjects that are looked at; where there are more, so many are drawn.
    """

    needs: Literal["scores"] = "scores"

    def __init__(
        self,
        by: tuple[str, ...] = ("sex", "age", "age_years", "site"),
        fmr: float = 1e-2,
        parts: int = 3,
        most: int = MOST,
    ) -> None:
        self.by = by
        self.fmr = fmr
        self.parts = parts
        self.most = most

    def check(self, trial: Trial) -> None:
        """See :class:`mlfp.interfaces.evaluator.CheckingEvaluator`."""
        if not 0 < self.fmr < 1:
            raise ParameterError(f"a rate lies between 0 and 1, got fmr = {self.fmr}", key=("fmr",))
        if not self._there(trial):
            known = trial.queries.columns
            raise ParameterError(
                f"{trial.queries.source} has none of the columns {', '.join(self.by)}",
                key=("by",),
                hints=[*nearest(self.by[0] if self.by else "", known), f"Its columns: {', '.join(known)}"],
            )

    def _there(self, trial: Trial) -> list[str]:
        """The columns, of those asked for, that there are."""
        return [name for name in self.by if name in trial.queries.columns and name in trial.gallery.columns]

    def __call__(self, trial: Trial) -> Measured:
        """Compare groups.

        :raises ParameterError: none of the columns is there, or the rate is none.
        :raises UsageError: the number of pairs cannot support the rate.
        """
        self.check(trial)
        there = self._there(trial)
        mated, others = pairs(trial, most=self.most)
        if not roc.supported(np.array([self.fmr]), others.total)[0]:
            raise UsageError(
                f"a false match rate of {self.fmr:g} needs {roc.ERRORS / self.fmr:,.0f} pairs of different subjects, "
                f"and there are {others.total:,}"
            )
        hits = _Hits.of(trial)
        estimates = _everybody(trial, mated, others, hits, self.fmr)
        shown: dict[str, Matrix] = {}
        notes: list[str] = []
        for column in there:
            groups = self._groups(trial, column, mated, others, hits)
            notes += groups.notes
            if len(groups.names) < 2:
                notes.append(f"{column} has fewer than two groups of enough pairs, so there is nothing to compare")
                continue
            found, matrix = _column(groups, self.fmr, trial.seed)
            estimates |= found
            shown[column] = matrix
        return Measured(estimates, exhibits=shown, notes=notes)

    def _groups(self, trial: Trial, column: str, mated: Pairs, others: Pairs, hits: _Hits) -> _Groups:
        asking, answering = trial.queries.column(column), trial.gallery.column(column)
        asking, answering = _ranges(asking, answering, self.parts)
        kept, notes = [], []
        for name in sorted(set(asking) - {"", "nan"}):
            # Of one person's two scans either may be the query; by sex both are in a group, by modality one may be.
            in_mated = (asking[mated.queries] == name) | (answering[mated.gallery] == name)
            in_others = (asking[others.queries] == name) & (answering[others.gallery] == name)
            if in_mated.sum() < roc.ERRORS:
                notes.append(f"{column} {name} has {int(in_mated.sum())} mated pairs, which are too few")
                continue
            kept.append(_Group(name, in_mated, in_others, asking[hits.queries] == name))
            if in_others.mean() * others.total * self.fmr < roc.ERRORS:
                notes.append(f"fmr[{column}={name}] has {int(in_others.sum()):,} pairs, which are too few")
        return _Groups(trial, column, mated, others, hits, tuple(kept), tuple(notes))


@dataclass(frozen=True)
class _Hits:
    """Queries that have somebody to find.

    :param queries: (H,) positions among the trial's queries.
    :param right: (H,) whether the nearest gallery scan is the subject's.
    :param scores: (H,) similarity of the subject's nearest scan.
    """

    queries: np.ndarray
    right: np.ndarray
    scores: np.ndarray

    @classmethod
    def of(cls, trial: Trial) -> _Hits:
        ranking = rank(trial, lone=False)
        asking = np.flatnonzero(~ranking.lone)
        return cls(asking, (ranking.first == 1)[asking].astype(np.float64), ranking.first_scores[asking])


@dataclass(frozen=True)
class _Group:
    """(P,) masks of the mated pairs, of the other pairs, and of the queries that are of a group."""

    name: str
    mated: np.ndarray
    others: np.ndarray
    queries: np.ndarray


@dataclass(frozen=True)
class _Groups:
    """Pairs and queries, and which of them lie in each group of a column."""

    trial: Trial
    column: str
    mated: Pairs
    others: Pairs
    hits: _Hits
    members: tuple[_Group, ...]
    notes: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(group.name for group in self.members)


def _everybody(trial: Trial, mated: Pairs, others: Pairs, hits: _Hits, fmr: float) -> dict[str, Estimate]:
    """The rates of everybody together."""
    everything = _Group("all", *(np.ones(len(part), bool) for part in (mated, others, hits.queries)))
    found, _ = _column(_Groups(trial, "all", mated, others, hits, (everything,), ()), fmr, trial.seed)
    return {name: found[f"{name}[all=all]"] for name in RATES}


class _Rates:
    """Each group's rates at the threshold of all."""

    def __init__(self, groups: _Groups, every: int) -> None:
        queries, gallery, names = subject_codes(groups.trial)
        self.subjects = len(names)
        mated, others = groups.mated, groups.others
        falling = np.argsort(-others.scores[::every], kind="stable")
        self._one, self._other = (side[::every][falling] for side in (queries[others.queries], gallery[others.gallery]))
        self._scores = others.scores[::every][falling]
        self._last = np.append(np.diff(self._scores) != 0, True)
        self._mated, self._mated_scores = queries[mated.queries], mated.scores
        self._asking, self._hits = queries[groups.hits.queries], groups.hits
        self._in_mated = np.stack([group.mated for group in groups.members]).astype(np.float64)
        self._in_others = np.stack([group.others[::every][falling] for group in groups.members])
        self._in_queries = np.stack([group.queries for group in groups.members]).astype(np.float64)

    def at(self, times: np.ndarray, fmr: float) -> np.ndarray:
        """(rates, groups) as :data:`RATES` names them, each subject counted so many times."""
        weights = times[self._one] * times[self._other]
        accepted = np.cumsum(weights)
        if accepted[-1] == 0:
            return np.full((len(RATES), len(self._in_mated)), np.nan)
        shares, ends = accepted[self._last] / accepted[-1], np.flatnonzero(self._last)
        place = int(np.searchsorted(shares, fmr + 1e-12, side="right"))
        threshold = self._scores[ends[place]] if place < len(ends) else -np.inf
        end = ends[place - 1] + 1 if place else 0
        of_mated, of_queries = times[self._mated], times[self._asking]
        right = of_queries * self._hits.right
        return np.stack(
            [
                _share(self._in_mated @ (of_mated * (self._mated_scores <= threshold)), self._in_mated @ of_mated),
                _share(self._in_others[:, :end] @ weights[:end], self._in_others @ weights),
                _share(self._in_queries @ right, self._in_queries @ of_queries),
                _share(self._in_queries @ (right * (self._hits.scores > threshold)), self._in_queries @ of_queries),
            ]
        )


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Of each group; ``nan`` where it is empty."""
    found: np.ndarray = np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    return found


def _column(groups: _Groups, fmr: float, seed: int) -> tuple[dict[str, Estimate], Matrix]:
    whole = _Rates(groups, 1)
    value = whole.at(np.ones(whole.subjects), fmr)
    part = _Rates(groups, max(1, -(-len(groups.others) // RESAMPLED)))
    drawn = [part.at(times, fmr) for block in intervals.draws(part.subjects, seed=seed) for times in block]
    resampled = np.stack(drawn)
    few = [group.others.mean() * groups.others.total * fmr < roc.ERRORS for group in groups.members]
    value[1, few], resampled[:, 1, few] = np.nan, np.nan
    estimates: dict[str, Estimate] = {}
    tag = re.sub(r"[^a-z0-9]+", "_", groups.column.lower()).strip("_")
    table = []
    for place, name in enumerate(RATES):
        found = [
            roc.bounded(float(value[place, number]), resampled[:, place, number], _count(group, name))
            for number, group in enumerate(groups.members)
        ]
        table.append(found)
        told = np.isfinite(value[place])
        if told.sum() > 1:
            gap = np.ptp(resampled[:, place, told], axis=1)
            n = sum(item.n for item in found)
            estimates[f"{name}_gap_{tag}"] = roc.bounded(float(np.ptp(value[place, told])), gap, n)
        estimates |= {
            f"{name}[{groups.column}={group}]": item
            for group, item, there in zip(groups.names, found, told, strict=True)
            if there
        }
    return estimates, _matrix(groups, table, fmr)


def _count(group: _Group, rate: str) -> int:
    """What a rate of a group is a share of."""
    return int({"fnmr": group.mated, "fmr": group.others}.get(rate, group.queries).sum())


def _matrix(groups: _Groups, table: list[list[Estimate]], fmr: float) -> Matrix:
    def part(field: str) -> np.ndarray:
        return np.array([[float(getattr(item, field)) for item in line] for line in table]).T

    return Matrix(
        f"By {groups.column}, at the threshold where {fmr:g} of all pairs of different subjects are taken for one",
        Axis(groups.column), Axis("rate"), Axis("share"), groups.names, tuple(RATES.values()),
        part("value"), part("low"), part("high"), part("n"),
    )  # fmt: skip


def _ranges(asking: np.ndarray, answering: np.ndarray, parts: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of many values as ranges, each with as many queries; other columns as they are."""
    try:
        one, other = (np.array([float(text or "nan") for text in side]) for side in (asking, answering))
    except ValueError:
        return asking, answering
    known = one[np.isfinite(one)]
    if len(np.unique(known)) <= VALUES:
        return asking, answering
    bounds = np.unique(np.quantile(known, np.linspace(0, 1, parts + 1)))
    names = np.array([f"{low:g} to {high:g}" for low, high in pairwise(bounds)], dtype=object)

    def named(values: np.ndarray) -> np.ndarray:
        place = np.clip(np.searchsorted(bounds, values, side="right") - 1, 0, len(names) - 1)
        inside = np.isfinite(values) & (values >= bounds[0]) & (values <= bounds[-1])
        return np.where(inside, names[place], "").astype(object)

    return named(one), named(other)
