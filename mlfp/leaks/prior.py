"""How common pairs of one person are in the search at hand, estimated from its own scores."""

from __future__ import annotations

import numpy as np

from mlfp.leaks.calibration import probability

#: Of all pairs, before anything is seen: it only has to be small.
FIRST = 1e-4
STEPS = 200


def estimate(evidence: np.ndarray, pairs: int) -> float:
    """The share of ``pairs`` that are of one person.

    Expectation and maximisation (Saerens et al. 2002): the share makes probabilities, their sum makes the share. Pairs
    without evidence here are no candidates: they count as pairs of two people. Never less than half a pair.

    :param evidence: of the candidates.
    """
    floor = 0.5 / max(pairs, 1)
    share = max(min(FIRST, 0.5), floor)
    for _ in range(STEPS):
        expected = float(probability(evidence, share).sum()) / max(pairs, 1)
        following = min(max(expected, floor), 0.5)
        if abs(following - share) <= 1e-6 * share:
            break
        share = following
    return share
