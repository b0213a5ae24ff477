"""What the search itself shows of pairs of two people: nearly all pairs are, so their scores need no labels.

As in local false discovery rates (Efron 2004): the tail of the false pairs and the share of the true are fitted to the
search's own scores, those of one person's pairs being as in the calibration, or all somewhat higher or lower. So how
many false pairs are to be expected rests neither on other data nor on extrapolating them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mlfp.leaks.densities import SHAPES, USUAL, Kernels, Null, Tail, log_pareto, quantile, thinned

#: Pairs of two people that make the tail: at most, at least, and this share of all in between.
MOST, LEAST, SHARE = 2000, 60, 0.05
#: Points that stand for all scores of the tail, how often it is found anew where it begins, steps to each share.
POINTS, ROUNDS, STEPS = 600, 3, 16
#: Pairs of two people to each true one in the tail, at least: where nearly all are true nothing tells which are. So the
#: tail is begun far down, and then higher as long as so many are left.
BESIDE = 2
#: How much higher people of this search may score than those of the calibration, in standard deviations of their
#: scores; logarithms of how much more their scores may differ; how unusual either is.
SHIFTS, STRETCHES, UNUSUAL = np.linspace(-2, 1, 7), np.array([0.0, 0.35, 0.7]), (0.7, 0.4)
#: Logarithms of how much wider a tail is tried than its median says.
WIDER = np.linspace(-0.6, 0.6, 7)
#: Of the pairs of one person, this share at least is taken to lie in the tail.
REACHED = 0.05


@dataclass(frozen=True)
class Seen:
    """Scores of a search's pairs.

    :param scores: (T,), complete above ``complete``: nothing is missing there but what the counts make up for.
    :param counts: (T,) how many pairs each stands for.
    :param bulk: (B,) scores of some pairs at random.
    :param total: pairs that were compared.
    """

    scores: np.ndarray
    counts: np.ndarray
    bulk: np.ndarray
    total: int
    complete: float = -np.inf


@dataclass(frozen=True)
class Mixture:
    """Scores of two people and of one, mixed.

    :param null: of pairs of two people.
    :param alike: of pairs of one person.
    :param share: of all pairs that are of one person.
    """

    null: Null
    alike: Kernels
    share: float


def separate(seen: Seen, alike: Kernels) -> Mixture:
    """Fit the tail of the false pairs, and how many are true, and how alike they are.

    :param alike: scores of pairs of one person, as the calibration saw them.
    """
    wanted = min(MOST, max(LEAST, SHARE * seen.total))
    everything = float(seen.counts.sum())
    part = max(wanted, min(SHARE * seen.total, everything))
    for _ in range(ROUNDS):
        start = max(seen.complete, quantile(seen.scores, seen.counts, 1 - min(1.0, part / everything)))
        places, counts = thinned(*_above(seen, start), POINTS)
        fit = _Fit(places, counts, start, alike)
        true = fit.share * float(counts.sum())
        following = max(wanted, BESIDE * true) + true
        if 0.8 * part <= following <= 1.25 * part:
            break
        part = following
    return fit.mixture(seen)


def _above(seen: Seen, start: float) -> tuple[np.ndarray, np.ndarray]:
    beyond = seen.scores > start
    return seen.scores[beyond], seen.counts[beyond]


@dataclass(frozen=True)
class _Grid:
    """(M,) each: what is tried."""

    shapes: np.ndarray
    medians: np.ndarray
    shifts: np.ndarray
    stretches: np.ndarray

    @classmethod
    def of(cls, *sides: np.ndarray) -> _Grid:
        """All that may be made of these."""
        found = np.meshgrid(*sides, indexing="ij")
        return cls(*(item.ravel() for item in found))

    @property
    def scales(self) -> np.ndarray:
        """Of distributions with these shapes and (logarithms of) medians."""
        found: np.ndarray = np.exp(self.medians) * self.shapes / (2**self.shapes - 1)
        return found

    @property
    def usual(self) -> np.ndarray:
        """Logarithm of how likely each is beforehand."""
        found: np.ndarray = -0.5 * (
            ((self.shapes - USUAL[0]) / USUAL[1]) ** 2
            + (self.shifts / UNUSUAL[0]) ** 2
            + (self.stretches / UNUSUAL[1]) ** 2
        )
        return found


class _Fit:
    """A tail with some true pairs in it: all that is possible, each as likely as it makes the scores.

    :param places: (P,) scores beyond ``start``; ``counts``: (P,) how many pairs each stands for.
    """

    def __init__(self, places: np.ndarray, counts: np.ndarray, start: float, alike: Kernels) -> None:
        self.places, self.counts, self.start, self.alike = places, counts, start, alike
        middle = math.log(max(quantile(places - start, counts, 0.5), 1e-9))
        self.grid = _Grid.of(SHAPES[::3], middle + WIDER, SHIFTS, STRETCHES)
        self._weigh()
        self.grid = self._finer()
        self._weigh()

    def _weigh(self) -> None:
        grid, points = self.grid, self.places[:, None]
        two = np.exp(log_pareto(points - self.start, grid.shapes, grid.scales))
        changes, which = np.unique(np.stack([grid.shifts, grid.stretches]), axis=1, return_inverse=True)
        moved = [self.alike.moved(shift, math.exp(stretch)) for shift, stretch in changes.T]
        self.reached = np.array([max(item.above(self.start), REACHED) for item in moved])[which]
        one = np.stack([item.density(self.places) for item in moved], axis=1)[:, which] / self.reached
        total = float(self.counts.sum())
        floor = 0.5 / total
        shares = np.full(len(grid.shapes), 0.1)
        for _ in range(STEPS):
            chance = shares * one / np.maximum(shares * one + (1 - shares) * two, 1e-300)
            shares = np.clip(self.counts @ chance / total, floor, 1 - floor)
        likely = self.counts @ np.log(np.maximum(shares * one + (1 - shares) * two, 1e-300)) + grid.usual
        weights = np.exp(likely - likely.max())
        self.weights, self.shares = weights / weights.sum(), shares
        self.share = float(self.weights @ shares)

    def _finer(self) -> _Grid:
        """A grid about what is likely."""
        sides = []
        for values, count, narrow in (
            (self.grid.shapes, 9, 0.04), (self.grid.medians, 9, 0.03), (self.grid.shifts, 5, 0.1),
            (self.grid.stretches, 3, 0.05),
        ):  # fmt: skip
            middle = float(self.weights @ values)
            spread = max(math.sqrt(float(self.weights @ (values - middle) ** 2)), narrow)
            sides.append(middle + np.linspace(-2.2, 2.2, count) * spread)
        shapes = np.clip(sides[0], -0.6, 0.8)
        return _Grid.of(np.where(np.abs(shapes) < 1e-4, 1e-4, shapes), *sides[1:])

    def mixture(self, seen: Seen) -> Mixture:
        """With its shares of all pairs of the search."""
        total = float(self.counts.sum()) / seen.total
        kept = self.weights > 1e-6
        weights = self.weights[kept] * (1 - self.shares[kept])
        tail = Tail(self.start, total * float(weights.sum()), self.grid.shapes[kept], self.grid.scales[kept],
                    weights / weights.sum())  # fmt: skip
        shift, stretch = (float(self.weights @ values) for values in (self.grid.shifts, self.grid.stretches))
        alike = self.alike.moved(shift, math.exp(stretch))
        share = float(self.weights @ (self.shares / self.reached)) * total
        return Mixture(Null(Kernels.of(seen.bulk), tail), alike, min(max(share, 0.5 / seen.total), 0.5))
