"""The scores of a search's pairs, as far as they were looked at: all of a small search, the highest of a large one."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from mlfp.leaks import candidates
from mlfp.leaks.candidates import Candidates, Search
from mlfp.leaks.material import Material
from mlfp.leaks.mixture import Seen
from mlfp.leaks.scores import Scale

#: Up to so many pairs all are scored; of more, so many at random, and the candidates.
ALL, SOME = 500_000, 200_000
#: Candidates are looked at from the score on at which this share of all pairs that score so is among them.
COMPLETE = 0.5
#: Pairs at random that tell that share, and scores that it is told for.
PROBES, PLACES = 4000, 128


def look(
    material: Material, scale: Scale, found: Candidates, search: Search, known: Collection[tuple[int, int]]
) -> Seen:
    """Scores of pairs of which it is not known whose they are.

    :param known: pairs to leave out, as they are copies.
    """
    everything = len(material) * (len(material) - 1) // 2 <= ALL
    if everything:
        one, two = np.triu_indices(len(material), 1)
    else:
        one, two = np.sort(np.random.default_rng(0).integers(0, len(material), size=(SOME, 2)), axis=1).T
    apart = material.people[one] != material.people[two]
    apart &= ~_known(one, two, known, len(material))
    drawn = candidates.measured(material, scale, one[apart], two[apart])
    if everything:
        return Seen(drawn.score, np.ones(len(drawn)), drawn.score, len(drawn))
    places, shares = _complete(scale, found, search, drawn, material.sets)
    enough = shares >= COMPLETE
    complete = float(places[int(np.argmax(enough))]) if enough.any() else np.inf
    high = (found.score >= complete) & ~_known(found.one, found.two, known, len(material))
    counts = 1 / np.interp(found.score[high], places, shares)
    return Seen(found.score[high], counts, drawn.score, material.open_pairs, complete)


def _known(one: np.ndarray, two: np.ndarray, known: Collection[tuple[int, int]], size: int) -> np.ndarray:
    """(P,) bool: whether a pair is among those."""
    keys = np.array([first * size + second for first, second in known], dtype=np.int64)
    return np.isin(one * size + two, keys)


def _complete(
    scale: Scale, found: Candidates, search: Search, drawn: Candidates, sets: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Scores, rising, and the share of all pairs of each that are candidates.

    A pair is if it is among the nearest of either scan: if the similarity that its score takes is at least that of the
    last of either's neighbours in the other's data set. That is tried with pairs drawn at random.
    """
    shape = (len(scale.middle), int(sets.max()) + 1)
    last, full = np.full(shape, np.inf), np.zeros(shape, dtype=np.int64)
    for side, rows, others in ((0, found.one, found.two), (1, found.two, found.one)):
        there = found.ranks[:, side] > 0
        spots = (rows[there], sets[others[there]])
        np.minimum.at(last, spots, found.similarity[there])
        np.add.at(full, spots, 1)
    last[full < search.k] = -np.inf  # whoever has fewer neighbours than were asked for has all
    one, two = drawn.one[:PROBES], drawn.two[:PROBES]
    least = np.minimum(last[one, sets[two]], last[two, sets[one]])
    # The score that the similarity of the last neighbour makes for these two.
    score = np.sort(scale.score(one, two, least))
    places = np.linspace(float(np.median(found.score)), float(found.score.max()), PLACES)
    shares = search.recall * np.searchsorted(score, places, side="right") / len(score)
    return places, np.maximum(shares, 1e-3)
