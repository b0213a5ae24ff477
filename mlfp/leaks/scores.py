"""Similarities made comparable: in standard deviations from what the two scans have with people at large.

A similarity of 0.8 is much for one scan and little for another, and on another scanner everything is shifted. So each
scan's similarities to a cohort of other people give a middle and a spread, and a pair's score is the mean of how far
its similarity lies out for the one scan and for the other: symmetric normalisation, as speaker verification has it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlfp.leaks.material import Material, directions

#: Scans in the cohort.
COHORT = 512
#: Rows at a time.
BLOCK = 8192
#: A standard deviation is half of what lies between these quantiles: a few true matches in the cohort change nothing.
LOW, HIGH = 0.1587, 0.8413


@dataclass(frozen=True)
class Scale:
    """(N,) middle and spread of each scan's similarities to other people."""

    middle: np.ndarray
    spread: np.ndarray

    def score(self, one: np.ndarray, two: np.ndarray, similarity: np.ndarray) -> np.ndarray:
        """(P,) scores of pairs of positions with these similarities."""
        sides = [(similarity - self.middle[side]) / self.spread[side] for side in (one, two)]
        found: np.ndarray = (sides[0] + sides[1]) / 2
        return found


def prepared(vectors: np.ndarray, distance: str) -> np.ndarray:
    """Vectors of length 1 for ``cosine``, else as they are."""
    found: np.ndarray = np.ascontiguousarray(vectors, dtype=np.float32)
    return directions(found) if distance == "cosine" else found


def similarity(one: np.ndarray, two: np.ndarray, distance: str) -> np.ndarray:
    """(P,) of (P, D) prepared vectors, pair by pair; higher is more alike."""
    if distance == "l2":
        found: np.ndarray = -np.linalg.norm(one.astype(np.float64) - two, axis=1)
        return found
    products: np.ndarray = np.einsum("pd,pd->p", one, two).astype(np.float64)
    return products


def scale(material: Material, *, seed: int = 0) -> Scale:
    """Every scan's middle and spread."""
    vectors = prepared(material.vectors, material.distance)
    return scale_of(vectors, material.people, vectors, material.people, material.distance, seed=seed)


def scale_of(
    vectors: np.ndarray, people: np.ndarray, others: np.ndarray, their: np.ndarray, distance: str, *, seed: int = 0
) -> Scale:
    """The middle and spread of some scans, of their similarities to a cohort of others.

    :param vectors: (N, D) prepared; ``others``: (M, D) those that the cohort is drawn from.
    :param people: (N,) whose they are; ``their``: (M,).
    """
    cohort = np.sort(np.random.default_rng(seed).permutation(len(others))[:COHORT])
    middle, spread = np.empty(len(vectors)), np.empty(len(vectors))
    for start in range(0, len(vectors), BLOCK):
        rows = slice(start, start + BLOCK)
        found = _block(vectors[rows], others[cohort], distance)
        own = people[rows, None] == their[cohort]
        # A scan of the subject's own counts as one in the middle.
        found = np.where(own, np.median(found, axis=1, keepdims=True), found)
        low, mid, high = np.quantile(found, [LOW, 0.5, HIGH], axis=1)
        middle[rows], spread[rows] = mid, np.maximum((high - low) / 2, 1e-6)
    return Scale(middle, spread)


def _block(rows: np.ndarray, cohort: np.ndarray, distance: str) -> np.ndarray:
    product: np.ndarray = rows @ cohort.T
    if distance != "l2":
        return product
    squares = (rows**2).sum(1)[:, None] + (cohort**2).sum(1) - 2 * product
    found: np.ndarray = -np.sqrt(np.maximum(squares, 0))
    return found
