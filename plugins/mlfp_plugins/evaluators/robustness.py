"""How accuracy falls as queries are moved, disturbed, or made longer after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Literal

import numpy as np

from mlfp.errors import ParameterError, UsageError, nearest
from mlfp.evaluation import intervals, metrics
from mlfp.evaluation.gaps import gaps
from mlfp.evaluation.ranking import rank
from mlfp.types.estimate import Estimate, Units
from mlfp.types.exhibit import Axis, Curve, Line
from mlfp.types.measured import Measured
from mlfp.types.spec import Spec
from mlfp.types.trial import Trial

Kind = Literal[
    "rotation", "shift", "scale", "noise", "bias", "negative", "gamma", "blur", "resolution", "crop", "skull-strip"
]
Metric = Literal["hit_at_1", "map_at_r", "mrr"]
_METRICS = {"hit_at_1": metrics.precision_at_1, "map_at_r": metrics.map_at_r, "mrr": metrics.reciprocal_rank}
#: What happens in the scanner, before any preprocessing: the parameter of ``move``, and its unit.
_MOVES = {"rotation": ("rotate", "degrees"), "shift": ("shift", "mm"), "scale": ("scale", "")}
#: What happens to the prepared scan: the kind of ``disturb``, and its unit.
_DISTURBS = {
    "noise": ("noise", "deviations of the tissue"),
    "bias": ("bias", "deviation of the exponent"),
    "negative": ("negative", ""),
    "gamma": ("gamma", "powers of 2"),
    "blur": ("blur", "mm"),
    "resolution": ("resolution", "mm"),
    "crop": ("crop", "share of the image"),
    "skull-strip": ("edge", "mm"),
}
AMOUNTS: dict[str, tuple[float, ...]] = {
    "rotation": (5, 10, 20),
    "shift": (5, 10, 20),
    "scale": (0.05, 0.1, 0.2),
    "noise": (0.25, 0.5, 1),
    "bias": (0.2, 0.4, 0.8),
    "negative": (1,),
    "gamma": (0.5, 1, 2),
    "blur": (1, 2, 4),
    "resolution": (4, 8, 12),
    "crop": (0.1, 0.2, 0.3),
    "skull-strip": (1, 2, 4),
}


class Robustness:
    """``rotation``, ``noise``, ...: the mean of a metric over the amounts by which queries are disturbed.

    The gallery stays as it is. ``rotation``, ``shift`` and ``scale`` turn the head in the scanner, before any
    preprocessing, by a draw up to the amount; all others act on prepared scans (see the preprocessors ``move`` and
    ``disturb``), so the comparison's own normalisation comes before them. Each kind has a curve over its amounts, which
    begins with the queries as they are; single values are ``rotation[10]``. ``time`` compares each query with the scans
    of its subject that were made within a range of years of it, if the scan table has dates or ages; curve ``time``.

    :param kinds: what is tried.
    :param amounts: other amounts for some kinds.
    :param metric: ``hit_at_1``, ``map_at_r`` or ``mrr``.
    :param years: bounds of the ranges of time between the sessions.
    """

    needs: Literal["scans"] = "scans"

    def __init__(
        self,
        kinds: tuple[Kind, ...] = (
            "rotation", "shift", "scale", "noise", "bias", "negative", "gamma", "blur", "resolution", "crop",
            "skull-strip",
        ),
        amounts: Mapping[str, tuple[float, ...]] | None = None,
        metric: Metric = "hit_at_1",
        years: tuple[float, ...] = (0.5, 1, 2, 5),
    ) -> None:  # fmt: skip
        self.kinds = kinds
        self.amounts = amounts
        self.metric = metric
        self.years = years

    def __call__(self, trial: Trial) -> Measured:
        """Disturb, describe anew, and rank.

        :raises ParameterError: an unknown kind, or an amount that is none.
        :raises UsageError: the trial has fingerprints alone.
        """
        chosen = self._chosen()
        if trial.scans is None:
            raise UsageError("robustness needs the scans, to disturb them")
        plain = self._values(trial)
        estimates: dict[str, Estimate] = {self.metric: _estimate(plain, trial.seed)}
        shown = {}
        for kind, amounts in chosen.items():
            found = [self._values(trial.scans.altered(*_steps(kind, amount))) for amount in amounts]
            single = [_estimate(item, trial.seed) for item in found]
            estimates[kind.replace("-", "_")] = _estimate(_over(found), trial.seed)
            estimates |= {
                f"{kind.replace('-', '_')}[{amount:g}]": item for amount, item in zip(amounts, single, strict=True)
            }
            points = [estimates[self.metric], *single]
            unit = (_MOVES.get(kind) or _DISTURBS[kind])[1]
            shown[kind] = self._curve(Axis(kind, unit), np.array([0.0, *amounts]), points)
        return self._with_time(trial, estimates, shown)

    def _chosen(self) -> dict[str, tuple[float, ...]]:
        given = dict(self.amounts or {})
        for kind in (*self.kinds, *given):
            if kind not in AMOUNTS:
                raise ParameterError(
                    f"nothing can be disturbed by {kind!r}",
                    key=("kinds",),
                    hints=[*nearest(kind, AMOUNTS), f"Kinds: {', '.join(AMOUNTS)}"],
                )
        chosen: dict[str, tuple[float, ...]] = {
            kind: tuple(float(item) for item in given.get(kind, AMOUNTS[kind])) for kind in self.kinds
        }
        for kind, amounts in chosen.items():
            if not amounts or min(amounts) <= 0 or list(amounts) != sorted(set(amounts)):
                raise ParameterError(
                    f"amounts of {kind} should rise from above 0, got {list(amounts)}", key=("amounts", kind)
                )
        return chosen

    def _values(self, trial: Trial) -> Units:
        ranking = rank(trial, lone=False)
        kept = ~ranking.lone
        return Units(
            trial.queries.scans[kept], trial.queries.subjects[kept], _METRICS[self.metric](ranking)[kept],
            np.ones(int(kept.sum())),
        )  # fmt: skip

    def _curve(self, axis: Axis, x: np.ndarray, points: list[Estimate]) -> Curve:
        value, low, high = (np.array([getattr(item, part) for item in points]) for part in ("value", "low", "high"))
        return Curve(
            f"Queries disturbed by {axis.name}" if axis.name != "time" else "Time between scans",
            axis, Axis(self.metric), (Line("", x, value, low, high, n=max(item.n for item in points)),),
        )  # fmt: skip

    def _with_time(self, trial: Trial, estimates: dict[str, Estimate], shown: dict[str, Curve]) -> Measured:
        years = gaps(trial.queries, trial.gallery)
        if years is None:
            note = "time needs a column 'date' or 'age_years' for the time between two scans"
            return Measured(estimates, exhibits=shown, notes=[note])
        bounds = [0.0, *self.years, np.inf]
        points = []
        for low, high in pairwise(bounds):
            within = replace(trial, mates=years.between(low, high))
            found = _estimate(self._values(within), trial.seed)
            points.append(found)
            if found.n:
                name = f"{low:g}+" if np.isinf(high) else f"{low:g}-{high:g}"
                estimates[f"time[{name}]"] = found
        middles = [(low + high) / 2 for low, high in pairwise(bounds[:-1])]
        shown["time"] = self._curve(Axis("time", "years"), np.array([*middles, 1.5 * bounds[-2]]), points)
        return Measured(estimates, exhibits=shown)


def _steps(kind: str, amount: float) -> tuple[list[Spec], list[Spec]]:
    """Preprocessors before and after all others."""
    if kind in _MOVES:
        return [Spec("move", {_MOVES[kind][0]: amount})], []
    return [], [Spec("disturb", {"kind": _DISTURBS[kind][0], "amount": amount})]


def _estimate(units: Units, seed: int) -> Estimate:
    return intervals.estimate(units, seed=seed)


def _over(found: list[Units]) -> Units:
    """Each query's mean over the amounts at which its scan could be made."""
    names, places = np.unique(np.concatenate([item.names for item in found]).astype(str), return_inverse=True)
    values = np.bincount(places, np.concatenate([item.values for item in found])) / np.bincount(places)
    subjects = np.empty(len(names), dtype=object)
    subjects[places] = np.concatenate([item.subjects for item in found])
    return Units(names.astype(object), subjects, values, np.ones(len(names)))
