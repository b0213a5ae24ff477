"""The converse of a leak: one subject id on scans that look like different people."""

from __future__ import annotations

from collections.abc import Collection
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


@dataclass(frozen=True)
class Pairs:
    """P pairs of positions.

    :param one: (P,), and ``two``: (P,).
    :param evidence: (P,) for one person, as a logarithm.
    :param p_same: (P,) probability of one person, by what the pair itself shows and how common such pairs are.
    """

    one: np.ndarray
    two: np.ndarray
    evidence: np.ndarray
    p_same: np.ndarray

    def without(self, pairs: Collection[tuple[int, int]]) -> Pairs:
        """Those that are not among these: that a scan is most like its own copy says nothing of its id."""
        kept = np.array([pair not in pairs for pair in zip(self.one.tolist(), self.two.tolist(), strict=True)], bool)
        return Pairs(self.one[kept], self.two[kept], self.evidence[kept], self.p_same[kept])

    def best(self, count: int) -> np.ndarray:
        """(N,) which pair of each of so many scans has the highest evidence; -1 where there is none."""
        ends = np.concatenate([self.one, self.two])
        which = np.tile(np.arange(len(self.one)), 2)
        order = np.lexsort((which, -self.evidence[which], ends))
        scans, first = np.unique(ends[order], return_index=True)
        found = np.full(count, -1, dtype=np.int64)
        found[scans] = which[order][first]
        return found

    def partners(self, pairs: np.ndarray, places: np.ndarray) -> np.ndarray:
        """(R,) the other scan of each pair; -1 where there is no pair."""
        if not len(self.one):
            return np.full(len(pairs), -1, dtype=np.int64)
        found: np.ndarray = np.where(pairs < 0, -1, self.one[pairs] + self.two[pairs] - places)
        return found


def find(own: Pairs, others: Pairs, people: np.ndarray, *, threshold: float) -> list[Conflict]:
    """Scans whose best evidence under their own id is against it, or far below that for another id.

    One person under two ids is no conflict, though a scan be most alike to one of the other id: then what it has in
    common with its own id would be found under two ids as well, or its own id's other scans are like that one too.

    :param own: pairs under one id; ``others``: of different ids.
    :param people: (N,) numbers: scans of one number have one id.
    :param threshold: probability from which a pair counts.
    """
    mine = own.best(len(people))
    places = np.flatnonzero(mine >= 0)
    mine = mine[places]
    rivals = others.best(len(people))[places]
    evidence, p_own = own.evidence[mine], probability(own.evidence[mine], TRUSTED)
    against, p_like = np.full(len(places), -np.inf), np.zeros(len(places))
    there = rivals >= 0
    against[there], p_like[there] = others.evidence[rivals[there]], others.p_same[rivals[there]]
    like = others.partners(rivals, places)
    strong = (p_like >= threshold) & (against > evidence + RIVAL) & (own.p_same[mine] < threshold)
    strong &= ~_shared(places, like, others, people, threshold)
    partners = own.partners(mine, places)
    return [
        Conflict(
            int(places[row]), int(partners[row]), float(p_own[row]),
            int(like[row]) if p_like[row] >= threshold else None, float(p_like[row]),
        )
        for row in np.flatnonzero((p_own < 0.5) | strong)
    ]  # fmt: skip


def _shared(places: np.ndarray, like: np.ndarray, others: Pairs, people: np.ndarray, threshold: float) -> np.ndarray:
    """(R,) bool: whether another scan of the same id is as likely of one person with that scan too."""
    sure = others.p_same >= threshold
    one, two, size = others.one[sure], others.two[sure], len(people)
    keys, counts = np.unique(np.concatenate([people[one] * size + two, people[two] * size + one]), return_counts=True)
    if not len(keys):
        return np.zeros(len(places), dtype=bool)
    wanted = people[places] * size + like
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    found: np.ndarray = (keys[at] == wanted) & (counts[at] > 1)
    return found
