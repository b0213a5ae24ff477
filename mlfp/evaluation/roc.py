"""From scores of mated and other pairs to error rates, and to their intervals by resampling subjects on both sides.

FMR, false match rate: the share of pairs of different subjects that a threshold takes for one. TAR, true accept rate,
is 1 - FNMR: the share of mated pairs that it accepts (ISO/IEC 19795-1). A pair is accepted where its similarity is not
below the threshold.

Resampled are subjects: of a resample in which a subject comes w times, its mated pairs count w times, and pairs of two
subjects as often as the product of both (the subsets bootstrap of Bolle, Ratha, Pankanti 2004, on both sides).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mlfp.evaluation import intervals
from mlfp.evaluation.pairs import Pairs
from mlfp.types.estimate import Estimate, Resamples
from mlfp.types.trial import Trial

#: Levels of the similarity that resampled curves are read at, at most: half of them evenly, half among the highest.
LEVELS = 4096
#: Pairs of different subjects that intervals are worked out from, at most; values are from all.
RESAMPLED = 1 << 20
#: Pairs of different subjects that a rate needs to be spoken of: so many errors are expected at it.
ERRORS = 10


@dataclass(frozen=True)
class Roc:
    """Error rates at falling thresholds, from one that accepts nothing to one that accepts all.

    :param fmr: (T,) rising from 0 to 1.
    :param tar: (T,) rising from 0 to 1.
    """

    fmr: np.ndarray
    tar: np.ndarray

    def auc(self) -> float:
        """The area below it: how often a mated pair is nearer than another, ties counting half."""
        return float(np.trapezoid(self.tar, self.fmr))

    def eer(self) -> float:
        """Where the two error rates are equal, straight lines between thresholds."""
        gap = self.fmr - (1 - self.tar)
        after = int(np.argmax(gap >= 0))
        if after == 0 or gap[after] == 0:
            return float(self.fmr[after])
        share = -gap[after - 1] / (gap[after] - gap[after - 1])
        return float(self.fmr[after - 1] + share * (self.fmr[after] - self.fmr[after - 1]))

    def tar_at(self, rates: np.ndarray) -> np.ndarray:
        """(R,) the highest TAR of a threshold whose FMR is not above each rate."""
        places = np.searchsorted(self.fmr, rates + 1e-12, side="right") - 1
        reached: np.ndarray = self.tar[places]
        return reached


def roc(mated: np.ndarray, others: np.ndarray) -> Roc:
    """From the scores of all pairs of both kinds, each a threshold."""
    levels = np.unique(np.concatenate([mated, others]))
    count = len(levels)
    accepted = [np.bincount(np.searchsorted(levels, scores), minlength=count) for scores in (mated, others)]
    return _falling(*(counts.astype(np.float64) for counts in accepted))


def _falling(mated: np.ndarray, others: np.ndarray) -> Roc:
    """From how much lies at each level, levels rising."""
    tar, fmr = (np.concatenate([[0.0], np.cumsum(counts[::-1])]) for counts in (mated, others))
    return Roc(fmr / fmr[-1], tar / tar[-1])


class Resampled:
    """Curves of resamples of the subjects.

    :param mated: pairs of one subject's scans.
    :param others: pairs of different subjects.
    :param queries: (Q,) each query's subject, a number.
    :param gallery: (G,) each gallery scan's.
    """

    #: (S,) the numbers of the subjects that are drawn from.
    subjects: np.ndarray

    def __init__(self, mated: Pairs, others: Pairs, queries: np.ndarray, gallery: np.ndarray, *, seed: int) -> None:
        self.seed = seed
        every = max(1, -(-len(others) // RESAMPLED))
        scores = others.scores[::every]
        self.subjects, codes = np.unique(
            np.concatenate(
                [queries[mated.queries], queries[others.queries[::every]], gallery[others.gallery[::every]]]
            ),
            return_inverse=True,
        )
        self._mated, self._one, self._other = np.split(codes, [len(mated), len(mated) + len(scores)])
        self._levels = _levels(mated.scores, scores)
        self._at = [np.searchsorted(self._levels, part, side="right") for part in (mated.scores, scores)]

    def values(self, read: Callable[[Roc], np.ndarray]) -> np.ndarray:
        """(resamples, ...) what is read off the curve of each resample; ``nan`` where one has no pair of a kind."""
        found = []
        for block in intervals.draws(len(self.subjects), seed=self.seed):
            found += [self._read(times, read) for times in block]
        shape = next((item.shape for item in found if item is not None), (0,))
        return np.stack([np.full(shape, np.nan) if item is None else item for item in found])

    def _read(self, times: np.ndarray, read: Callable[[Roc], np.ndarray]) -> np.ndarray | None:
        count = len(self._levels) + 1
        mated = np.bincount(self._at[0], times[self._mated], minlength=count)
        others = np.bincount(self._at[1], times[self._one] * times[self._other], minlength=count)
        return read(_falling(mated, others)) if mated.any() and others.any() else None


def _levels(mated: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Rising; every score where there are few."""
    levels = np.unique(np.concatenate([mated, others]))
    if len(levels) <= LEVELS:
        return levels
    even = np.quantile(levels, np.linspace(0, 1, LEVELS // 4))
    of_mated = np.quantile(mated, np.linspace(0, 1, LEVELS // 4))
    highest = np.quantile(others, 1 - np.geomspace(1, 1 / len(others), LEVELS // 2))
    return np.unique(np.concatenate([even, of_mated, highest]))


def bounded(value: float, resampled: np.ndarray, n: int, of: Drawn | None = None) -> Estimate:
    """A value with the interval that its resamples give, which is made to hold it.

    :param of: whose resamples these are; given, they are kept, so that methods can be compared.
    """
    low, high = intervals.bounds(value, resampled)
    kept = None if of is None else Resamples(resampled, of.subjects, of.drawn, of.trial)
    return Estimate(value, low, high, n, resamples=kept)


@dataclass(frozen=True)
class Drawn:
    """Of what resamples are drawn: see :class:`~mlfp.types.estimate.Resamples`."""

    subjects: int
    drawn: str
    trial: str

    @classmethod
    def of(cls, trial: Trial, subjects: np.ndarray) -> Drawn:
        """From the scans of a trial, and the ids of the subjects that are drawn from."""
        sides = (trial.queries.scans, trial.queries.subjects, trial.gallery.scans, trial.gallery.subjects)
        return cls(len(subjects), _digest(subjects), _digest(*sides))


def _digest(*columns: np.ndarray) -> str:
    told = "\x1e".join("\x1f".join(map(str, column)) for column in columns)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def supported(rates: np.ndarray, pairs: int) -> np.ndarray:
    """(R,) whether so many pairs of different subjects can tell of each rate."""
    enough: np.ndarray = rates * pairs >= ERRORS - 1e-9
    return enough


def rate_text(rate: float) -> str:
    """``1e-3``: for names of metrics."""
    mantissa, exponent = f"{rate:e}".split("e")
    short = mantissa.rstrip("0").rstrip(".").replace(".", "_")
    return f"{short}e{int(exponent)}"
