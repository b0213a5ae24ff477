"""The converse of a leak: one subject id on scans that look like different people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlfp.leaks.calibration import probability

#: How sure an id is before anything is seen: of twenty pairs under one id, one may be mislabelled.
TRUSTED = 0.95
#: How many times likelier another person must be than the id's own, as a logarithm, where both are known.
RIVAL = 3.0


@dataclass(frozen=True)
class Conflict:
    """A scan that does not look like the others under its id.

    :param place: its position.
    :param own: position of the most alike scan under its id.
    :param p_own: probability that these two share a subject, the id being trusted as ids usually are.
    :param like: position of a scan of another id that it looks like; None where there is none.
    :param p_like: probability that it shares a subject with that one.
    """

    place: int
    own: int
    p_own: float
    like: int | None = None
    p_like: float = 0.0


def find(
    own_pairs: tuple[np.ndarray, np.ndarray],
    own_evidence: np.ndarray,
    other_pairs: tuple[np.ndarray, np.ndarray],
    other_evidence: np.ndarray,
    other_p: np.ndarray,
    *,
    threshold: float,
) -> list[Conflict]:
    """Scans whose best evidence under their own id is against it, or far below that for another id.

    :param threshold: probability from which a pair of other ids counts.
    """
    best_own = _best(own_pairs, own_evidence)
    best_other = _best(other_pairs, other_evidence)
    p_of = {
        pair: float(p)
        for pair, p in zip(zip(*(side.tolist() for side in other_pairs), strict=True), other_p, strict=True)
    }
    found = []
    for place, (evidence, partner) in sorted(best_own.items()):
        p_own = float(probability(np.array([evidence]), TRUSTED)[0])
        rival, like = best_other.get(place, (-np.inf, -1))
        p_like = p_of.get((min(place, like), max(place, like)), 0.0)
        strong = p_like >= threshold and rival > evidence + RIVAL
        if p_own < 0.5 or strong:
            found.append(Conflict(place, partner, p_own, like if p_like >= threshold else None, p_like))
    return found


def _best(pairs: tuple[np.ndarray, np.ndarray], evidence: np.ndarray) -> dict[int, tuple[float, int]]:
    """By scan: its highest evidence, and with whom."""
    best: dict[int, tuple[float, int]] = {}
    for one, two, value in zip(pairs[0].tolist(), pairs[1].tolist(), evidence.tolist(), strict=True):
        for here, there in ((one, two), (two, one)):
            if here not in best or value > best[here][0]:
                best[here] = (value, there)
    return best
