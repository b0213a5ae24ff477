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
from mlfp.types.estimate import Estimate
from mlfp.types.exhibit import Axis, Matrix
from mlfp.types.measured import Measured
from mlfp.types.trial import Trial

#: Pairs of different subjects that intervals are worked out from, at most.
RESAMPLED = 1 << 18
#: A column of numbers with more values than this is cut into ranges.
VALUES = 8
RATES = ("false non-match rate", "false match rate")


class Fairness:
    """``fnmr[sex=F]`` and ``fmr[sex=F]`` of each group at one threshold, and ``fnmr_gap_sex`` between the groups.

    The threshold is the lowest at which at most a share ``fmr`` of all pairs of different subjects are taken for one.
    A group's false non-match rate is that of mated pairs whose query is in it, its false match rate that of pairs of
    different subjects who both are. ``gap`` is the highest group's rate less the lowest's. A group of fewer than 10
    mated pairs is left out, and so is a false match rate at which fewer than 10 errors are to be expected; a note says
    so. ``fnmr`` and ``fmr`` are those of all. Intervals resample subjects on both sides, the threshold with them. One
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

    def __call__(self, trial: Trial) -> Measured:
        """Compare groups.

        :raises ParameterError: none of the columns is there, or the rate is none.
        :raises UsageError: the number of pairs cannot support the rate.
        """
        if not 0 < self.fmr < 1:
            raise ParameterError(f"a rate lies between 0 and 1, got fmr = {self.fmr}", key=("fmr",))
        there = [name for name in self.by if name in trial.queries.columns and name in trial.gallery.columns]
        if not there:
            known = trial.queries.columns
            raise ParameterError(
                f"{trial.queries.source} has none of the columns {', '.join(self.by)}",
                key=("by",),
                hints=[*nearest(self.by[0] if self.by else "", known), f"Its columns: {', '.join(known)}"],
            )
        mated, others = pairs(trial, most=self.most)
        if not roc.supported(np.array([self.fmr]), others.total)[0]:
            raise UsageError(
                f"a false match rate of {self.fmr:g} needs {roc.ERRORS / self.fmr:,.0f} pairs of different subjects, "
                f"and there are {others.total:,}"
            )
        estimates = _everybody(trial, mated, others, self.fmr)
        shown: dict[str, Matrix] = {}
        notes: list[str] = []
        for column in there:
            groups = self._groups(trial, column, mated, others)
            notes += groups.notes
            if len(groups.names) < 2:
                notes.append(f"{column} has fewer than two groups of enough pairs, so there is nothing to compare")
                continue
            found, matrix = _column(groups, self.fmr, trial.seed)
            estimates |= found
            shown[column] = matrix
        return Measured(estimates, exhibits=shown, notes=notes)

    def _groups(self, trial: Trial, column: str, mated: Pairs, others: Pairs) -> _Groups:
        asking, answering = trial.queries.column(column), trial.gallery.column(column)
        asking, answering = _ranges(asking, answering, self.parts)
        kept, notes = [], []
        for name in sorted(set(asking) - {"", "nan"}):
            in_mated = asking[mated.queries] == name
            in_others = (asking[others.queries] == name) & (answering[others.gallery] == name)
            if in_mated.sum() < roc.ERRORS:
                notes.append(f"{column} {name} has {int(in_mated.sum())} mated pairs, which are too few")
                continue
            kept.append((name, in_mated, in_others))
            if in_others.mean() * others.total * self.fmr < roc.ERRORS:
                notes.append(f"fmr[{column}={name}] has {int(in_others.sum()):,} pairs, which are too few")
        return _Groups(trial, column, mated, others, tuple(kept), tuple(notes))


@dataclass(frozen=True)
class _Groups:
    """Pairs, and which of them lie in each group of a column."""

    trial: Trial
    column: str
    mated: Pairs
    others: Pairs
    members: tuple[tuple[str, np.ndarray, np.ndarray], ...]
    notes: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _, _ in self.members)


def _everybody(trial: Trial, mated: Pairs, others: Pairs, fmr: float) -> dict[str, Estimate]:
    """The two rates of all pairs together."""
    all_in = np.ones(len(mated), bool), np.ones(len(others), bool)
    found, _ = _column(_Groups(trial, "all", mated, others, (("all", *all_in),), ()), fmr, trial.seed)
    return {"fnmr": found["fnmr[all=all]"], "fmr": found["fmr[all=all]"]}


class _Rates:
    """Each group's two error rates at the threshold of all."""

    def __init__(self, groups: _Groups, every: int) -> None:
        queries, gallery, self.subjects = subject_codes(groups.trial)
        mated, others = groups.mated, groups.others
        falling = np.argsort(-others.scores[::every], kind="stable")
        self._one, self._other = (side[::every][falling] for side in (queries[others.queries], gallery[others.gallery]))
        self._scores = others.scores[::every][falling]
        self._last = np.append(np.diff(self._scores) != 0, True)
        self._mated, self._mated_scores = queries[mated.queries], mated.scores
        self._in_mated = np.stack([inside for _, inside, _ in groups.members]).astype(np.float64)
        self._in_others = np.stack([inside[::every][falling] for _, _, inside in groups.members])

    def at(self, times: np.ndarray, fmr: float) -> np.ndarray:
        """(2, groups) false non-match and false match rates, each subject counted so many times."""
        weights = times[self._one] * times[self._other]
        accepted = np.cumsum(weights)
        nothing = np.full((2, len(self._in_mated)), np.nan)
        if accepted[-1] == 0:
            return nothing
        shares, ends = accepted[self._last] / accepted[-1], np.flatnonzero(self._last)
        place = int(np.searchsorted(shares, fmr + 1e-12, side="right"))
        threshold = self._scores[ends[place]] if place < len(ends) else -np.inf
        end = ends[place - 1] + 1 if place else 0
        of_mated = times[self._mated]
        rejected = self._in_mated @ (of_mated * (self._mated_scores <= threshold))
        asked = self._in_mated @ of_mated
        taken = self._in_others[:, :end] @ weights[:end]
        compared = self._in_others @ weights
        return np.stack(
            [
                np.divide(rejected, asked, out=nothing[0].copy(), where=asked > 0),
                np.divide(taken, compared, out=nothing[1].copy(), where=compared > 0),
            ]
        )


def _column(groups: _Groups, fmr: float, seed: int) -> tuple[dict[str, Estimate], Matrix]:
    whole = _Rates(groups, 1)
    value = whole.at(np.ones(whole.subjects), fmr)
    part = _Rates(groups, max(1, -(-len(groups.others) // RESAMPLED)))
    drawn = [part.at(times, fmr) for block in intervals.draws(part.subjects, seed=seed) for times in block]
    resampled = np.stack(drawn)
    counts = [[int(inside.sum()) for inside in members[1:]] for members in groups.members]
    few = [inside.mean() * groups.others.total * fmr < roc.ERRORS for _, _, inside in groups.members]
    value[1, few], resampled[:, 1, few] = np.nan, np.nan
    estimates: dict[str, Estimate] = {}
    tag = re.sub(r"[^a-z0-9]+", "_", groups.column.lower()).strip("_")
    table = []
    for place, name in enumerate(("fnmr", "fmr")):
        found = [
            roc.bounded(float(value[place, group]), resampled[:, place, group], counts[group][place])
            for group in range(len(groups.names))
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


def _matrix(groups: _Groups, table: list[list[Estimate]], fmr: float) -> Matrix:
    def part(field: str) -> np.ndarray:
        return np.array([[float(getattr(item, field)) for item in line] for line in table]).T

    return Matrix(
        f"Errors by {groups.column} where {fmr:g} of all pairs of different subjects are taken for one",
        Axis(groups.column), Axis("rate"), Axis("share of pairs"), groups.names, RATES,
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
