"""How often pairs of one person, and of two, have a score: densities learnt from scores.

In the bulk a density is a sum of kernels. Where decisions fall, in the upper tail of pairs of two people, pairs are few
and kernels know nothing: there it is a generalised Pareto distribution, which is what the tail of nearly anything looks
like from high enough (Balkema, de Haan 1974; Pickands 1975). Its two numbers are not taken at their likeliest but
averaged over all that the exceedances allow: of few exceedances the tail is heavier, as it should be for not knowing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

#: Kernels of a density.
KERNELS = 400
#: Shapes that a tail may have (0 falls exponentially, above as a power, below ends), how likely beforehand (a normal
#: distribution of this middle and spread), and scales tried with each, in standard errors about the likeliest.
SHAPES, USUAL, SCALES = np.linspace(-0.475, 0.575, 22), (-0.05, 0.15), np.linspace(-4, 4, 17)
#: Exceedances looked at: more are thinned to as many quantiles.
EXCEEDANCES = 1500


@dataclass(frozen=True)
class Kernels:
    """A sum of Gaussians of one width.

    :param places: (M,) where they stand.
    :param weights: (M,) how much each counts, 1 together.
    """

    places: np.ndarray
    weights: np.ndarray
    width: float

    @classmethod
    def of(cls, scores: np.ndarray) -> Kernels:
        """As wide as Silverman's rule has it; of many scores, on as many quantiles."""
        places, shares = thinned(scores, np.ones(len(scores)), KERNELS)
        spread = float(scores.std()) or 1e-3
        return cls(places, shares / shares.sum(), 1.06 * spread * len(scores) ** -0.2)

    @property
    def spread(self) -> float:
        """Standard deviation."""
        middle = float(self.weights @ self.places)
        return math.sqrt(float(self.weights @ (self.places - middle) ** 2) + self.width**2)

    def moved(self, shift: float, stretch: float) -> Kernels:
        """So many standard deviations higher, and so many times wider about the middle."""
        middle = float(self.weights @ self.places)
        places = middle + shift * self.spread + stretch * (self.places - middle)
        return Kernels(places, self.weights, stretch * self.width)

    def density(self, at: np.ndarray) -> np.ndarray:
        """(P,) density there."""
        bells = np.exp(-0.5 * ((at[:, None] - self.places) / self.width) ** 2)
        found: np.ndarray = bells @ self.weights / (self.width * math.sqrt(2 * math.pi))
        return found

    def above(self, score: float) -> float:
        """The share above a score."""
        from scipy.special import ndtr

        return float(self.weights @ ndtr((self.places - score) / self.width))


@dataclass(frozen=True)
class Tail:
    """What lies beyond ``start``: generalised Pareto distributions, each as likely as its weight.

    :param share: of all scores that lie beyond.
    :param shapes: (M,); ``scales``: (M,); ``weights``: (M,), 1 together.
    """

    start: float
    share: float
    shapes: np.ndarray
    scales: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, scores: np.ndarray, weights: np.ndarray, start: float, share: float) -> Tail:
        """From the scores beyond ``start``, each counting as much as its weight."""
        beyond = scores > start
        excess, counts = thinned(scores[beyond] - start, weights[beyond], EXCEEDANCES)
        number = max(float(counts.sum()), 1e-9)
        mean = max(float((counts * excess).sum()) / number, 1e-9)
        shapes = np.repeat(SHAPES, len(SCALES))
        spread = np.tile(SCALES, len(SHAPES)) * math.sqrt(2 / max(number, 1))
        scales = mean * (1 - shapes) * np.exp(spread)
        likely = np.full(len(shapes), -0.5) * ((shapes - USUAL[0]) / USUAL[1]) ** 2
        likely = likely + log_pareto(excess[:, None], shapes, scales).T @ counts
        chances = np.exp(likely - likely.max())
        kept = chances > 1e-6
        return cls(start, share, shapes[kept], scales[kept], chances[kept] / chances[kept].sum())

    def density(self, at: np.ndarray) -> np.ndarray:
        """(P,) density there, all beyond ``start``."""
        each = np.exp(log_pareto(np.maximum(at - self.start, 0)[:, None], self.shapes, self.scales))
        found: np.ndarray = self.share * (each @ self.weights)
        return found

    def above(self, score: float) -> float:
        """The share of all scores that lie above one beyond ``start``."""
        inner = np.maximum(1 + self.shapes * (score - self.start) / self.scales, 0)
        with np.errstate(divide="ignore"):
            each = np.where(inner > 0, np.exp(-np.log(np.maximum(inner, 1e-300)) / self.shapes), 0.0)
        return float(self.share * (each @ self.weights))


@dataclass(frozen=True)
class Null:
    """Scores of pairs of two people: kernels, and a tail."""

    bulk: Kernels
    tail: Tail

    def density(self, at: np.ndarray) -> np.ndarray:
        """(P,) density there."""
        found: np.ndarray = np.where(at > self.tail.start, self.tail.density(at), self.bulk.density(at))
        return found


def null(scores: np.ndarray, *, share: float) -> Null:
    """Learnt from scores that are all of two people.

    :param share: of them that make the tail.
    """
    weights = np.ones(len(scores))
    start = quantile(scores, weights, 1 - share)
    part = float(weights[scores > start].sum() / weights.sum())
    return Null(Kernels.of(scores), Tail.of(scores, weights, start, part))


def quantile(scores: np.ndarray, weights: np.ndarray, share: float) -> float:
    """The score below which this share of the weight lies."""
    order = np.argsort(scores, kind="stable")
    running = np.cumsum(weights[order])
    return float(scores[order][min(int(np.searchsorted(running, share * running[-1])), len(order) - 1)])


def log_pareto(excess: np.ndarray, shapes: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Logarithm of the density of generalised Pareto distributions; none of the shapes is 0."""
    inner = 1 + shapes * excess / scales
    with np.errstate(divide="ignore"):
        found: np.ndarray = np.where(
            inner > 0, -np.log(scales) - (1 + 1 / shapes) * np.log(np.maximum(inner, 1e-300)), -745.0
        )
    return found


def thinned(scores: np.ndarray, weights: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """At most so many scores and weights that stand for all: the means of shares of equal weight, the highest kept."""
    if len(scores) <= most:
        return scores, weights
    order = np.argsort(scores, kind="stable")
    scores, weights = scores[order], weights[order]
    kept = most // 10
    low, counts = scores[:-kept], weights[:-kept]
    running = np.cumsum(counts)
    part = np.minimum((running / max(running[-1], 1e-300) * (most - kept)).astype(int), most - kept - 1)
    total = np.bincount(part, counts, most - kept)
    mean = np.bincount(part, counts * low, most - kept) / np.maximum(total, 1e-300)
    there = total > 0
    return np.concatenate([mean[there], scores[-kept:]]), np.concatenate([total[there], weights[-kept:]])
