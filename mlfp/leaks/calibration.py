"""From a score to the probability that two scans share a subject, and to what may be promised of it.

Learnt from labelled pairs: a curve gives the evidence, the logarithm of how many times likelier a score is for one
person than for two. What a probability is made of besides is how common pairs of one person are among all that are
compared, which differs from search to search by orders of magnitude: see :mod:`mlfp.leaks.prior`.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from mlfp.errors import UsageError
from mlfp.leaks import densities
from mlfp.leaks.densities import KERNELS, Kernels, Null

#: Knots of a curve, and highest scores of pairs of two people that make their tail, at least.
KNOTS, TAILED = 240, 200
#: Pairs of each kind without which nothing is fitted.
FEWEST = 20
#: False matches that must have been seen for a rate to be promised: fewer leave it uncertain by more than a third.
SEEN = 10
#: Highest scores of pairs of two people that are kept, to find thresholds from.
KEPT = 2000
FORMAT = 3
#: Fields that JSON has as lists.
LISTS = ("highest", "alike", "verified_alike", "verified_unlike", "made_on")


@dataclass(frozen=True)
class Curve:
    """Evidence of a score: straight lines between knots, level outside of them, never beyond ``limit``."""

    scores: tuple[float, ...]
    values: tuple[float, ...]
    limit: float = math.inf

    def evidence(self, score: np.ndarray) -> np.ndarray:
        """(P,) logarithm of how many times likelier these scores are for one person than for two."""
        found: np.ndarray = np.clip(np.interp(score, self.scores, self.values), -self.limit, self.limit)
        return found


@dataclass(frozen=True)
class Calibration:
    """What was learnt from labelled pairs.

    :param curve: of the fingerprints' scores.
    :param verified: of what aligning a pair shows; None where none was aligned.
    :param same: pairs of one person behind ``curve``.
    :param different: pairs of two people behind it.
    :param subjects: people they are of.
    :param highest: the highest scores of pairs of two people, falling.
    :param alike: scores of pairs of one person, a few hundred that stand for all.
    :param verified_same: pairs behind ``verified``.
    :param verified_alike: their gains, and ``verified_unlike`` those of pairs of two people, in widths of chance in
        their data sets: see :mod:`mlfp.leaks.gains`.
    :param verified_width: the usual width.
    :param made_on: names of the data sets.
    """

    curve: Curve
    same: int
    different: int
    subjects: int
    highest: tuple[float, ...]
    alike: tuple[float, ...]
    verified: Curve | None = None
    verified_same: int = 0
    verified_different: int = 0
    verified_alike: tuple[float, ...] = ()
    verified_unlike: tuple[float, ...] = ()
    verified_width: float = 0.0
    made_on: tuple[str, ...] = ()
    format: int = field(default=FORMAT)

    @property
    def finest_rate(self) -> float:
        """The lowest rate of false matches that its pairs support."""
        return SEEN / self.different

    def rate_at(self, score: float) -> float:
        """The share of pairs of two people that score as high, at least one of those seen."""
        above = int(np.count_nonzero(np.array(self.highest) >= score))
        return max(above, 1) / self.different

    def threshold_at(self, rate: float) -> float:
        """The score that only this share of pairs of two people reach.

        :raises UsageError: there were too few pairs to tell.
        """
        place, low, high = round(rate * self.different), self.finest_rate, len(self.highest) / self.different
        if place < SEEN:
            raise UsageError(
                f"a false-match rate of {rate:g} cannot be promised",
                where=f"the model was calibrated on {self.different} pairs of two people, which support {low:.2g}",
                hints=[f"It takes {math.ceil(SEEN / rate)} pairs: mlfp calibrate STORE, with more subjects."],
            )
        if place > len(self.highest):
            raise UsageError(f"a false-match rate of {rate:g} is too high", hints=[f"The highest is {high:.2g}."])
        return self.highest[place - 1]

    def to_json(self) -> dict[str, Any]:
        """For the model's card."""
        told = asdict(self)
        for name in ("curve", "verified"):
            if told[name] and math.isinf(told[name]["limit"]):
                told[name]["limit"] = None  # JSON has no infinity
        return told

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Calibration:
        """Read what :meth:`to_json` gave.

        :raises UsageError: it is of a newer mlfp.
        """
        if values.get("format") != FORMAT:
            raise UsageError(
                f"the calibration has format {values.get('format')}, this mlfp reads {FORMAT}",
                hints=["Make it again on labelled scans: mlfp calibrate STORE --model MODEL"],
            )
        curves: dict[str, Any] = {name: _curve(values[name]) for name in ("curve", "verified") if values.get(name)}
        rest = {name: value for name, value in values.items() if name not in ("curve", "verified")}
        rest |= {name: tuple(rest[name]) for name in LISTS}
        return cls(**rest, **curves)


def _curve(values: dict[str, Any]) -> Curve:
    return Curve(tuple(values["scores"]), tuple(values["values"]), float(values["limit"] or math.inf))


def fit(
    same: np.ndarray, different: np.ndarray, *, subjects: int, made_on: tuple[str, ...] = (), of: int | None = None
) -> Calibration:
    """Learn from scores.

    :param same: of pairs of one person.
    :param different: of pairs of two people: all, or a sample.
    :param of: how many pairs of two people there were, where ``different`` is a sample.
    :raises UsageError: there are too few pairs, or pairs of one person score no higher than others.
    """
    if min(len(same), len(different)) < FEWEST:
        raise UsageError(
            f"calibration needs {FEWEST} pairs of scans of one person and of two, got {len(same)} and {len(different)}",
            hints=["Give more labelled data: subjects with two scans or more."],
        )
    if same.mean() <= different.mean():
        raise UsageError(
            "scans of one person score no higher than scans of two: this model cannot tell people apart on these data",
            hints=["Look at how it does: mlfp evaluate STORE"],
        )
    curve = fit_curve(same, different)
    highest = np.sort(different)[::-1][:KEPT]
    return Calibration(
        curve, same=len(same), different=of or len(different), subjects=subjects,
        highest=tuple(round(float(value), 5) for value in highest), alike=kept(same), made_on=made_on,
    )  # fmt: skip


def fit_curve(
    same: np.ndarray, different: np.ndarray, *, over: np.ndarray | None = None, limit: float = math.inf
) -> Curve:
    """The logarithm of the ratio of two densities, made to rise.

    :param over: further scores that it should reach to.
    """
    everything = np.concatenate([same, different, *([] if over is None else [over])])
    between = (float(everything.min()), float(everything.max()))
    return curve_of(Kernels.of(same), null_of(different), between, limit=limit)


def null_of(different: np.ndarray) -> Null:
    """The density of pairs of two people; of few, more of them make its tail."""
    return densities.null(different, share=min(0.2, max(TAILED / len(different), 1e-3)))


def curve_of(alike: Kernels, null: Null, between: tuple[float, float], *, limit: float = math.inf) -> Curve:
    """The logarithm of how many times likelier scores are for one person than for two, made to rise.

    :param between: the lowest score of interest, and the highest.
    """
    knots = np.linspace(*between, KNOTS)
    tiny = 1e-3 * alike.spread**-1 / len(alike.places)
    evidence = np.log(np.maximum(alike.density(knots), tiny)) - np.log(np.maximum(null.density(knots), 1e-300))
    # From where most pairs of one person are: neither end, where both densities run out, may turn back.
    place = int(np.searchsorted(knots, float(np.median(alike.places))))
    rising = np.concatenate(
        [np.minimum.accumulate(evidence[: place + 1][::-1])[::-1], np.maximum.accumulate(evidence[place:])[1:]]
    )
    return Curve(
        tuple(round(float(value), 5) for value in knots), tuple(round(float(value), 4) for value in rising), limit
    )  # fmt: skip


def kept(scores: np.ndarray) -> tuple[float, ...]:
    """At most :data:`~mlfp.leaks.densities.KERNELS` scores that stand for all."""
    few = scores if len(scores) <= KERNELS else np.quantile(scores, (np.arange(KERNELS) + 0.5) / KERNELS)
    return tuple(round(float(value), 5) for value in np.sort(few))


def probability(evidence: np.ndarray, prior: float) -> np.ndarray:
    """(P,) probability of one person, where this share of all pairs is of one person."""
    return _sigmoid(evidence + math.log(prior / (1 - prior)))


def _sigmoid(values: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.exp(-np.logaddexp(0, -values))
    return found
