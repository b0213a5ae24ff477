"""Pairs of scans worth a look: nearest neighbours among other people, and copies found by their hashes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlfp.execution.progress import Progress
from mlfp.fingerprints.parts import CONTENT, VOXELS
from mlfp.leaks import scores
from mlfp.leaks.material import Material
from mlfp.leaks.scores import Scale
from mlfp.search import neighbours
from mlfp.types.spec import Spec

#: Of larger groups of copies each is paired with the first alone: all pairs of 1,000 empty images are half a million.
GROUP = 20
#: Queries whose neighbours are also sought exactly, to know the recall of an approximate index.
SAMPLE = 500


@dataclass(frozen=True)
class Candidates:
    """P pairs of positions, ``one < two``.

    :param similarity: (P,) of the fingerprints.
    :param score: (P,) in standard deviations: see :mod:`mlfp.leaks.scores`.
    :param ranks: (P, 2) how near ``two`` is to ``one`` among the other people of its data set, and the reverse; 0 where
        not among the k.
    """

    one: np.ndarray
    two: np.ndarray
    similarity: np.ndarray
    score: np.ndarray
    ranks: np.ndarray

    def __len__(self) -> int:
        return len(self.one)


@dataclass(frozen=True)
class Search:
    """How candidates were found.

    :param recall: share of the true k nearest that were found; 1 for an index that compares all.
    """

    index: str
    k: int
    recall: float


def find(material: Material, scale: Scale, *, k: int, index: str, progress: Progress) -> tuple[Candidates, Search]:
    """Each scan's k nearest of other people in each data set, as pairs.

    In each: scans of one scanner are more alike than those of one person on two, and would be all that is found.
    """
    parts, recalls, used = [], [], []
    for number in range(int(material.sets.max()) + 1):
        among = np.flatnonzero(material.sets == number)
        spec = neighbours.chosen_index(index, len(among))
        used.append(spec.use)
        places, share = _nearest(material, spec, k, among, progress)
        parts.append(places)
        recalls.append(share)
    return _pairs(material, scale, parts), Search(", ".join(dict.fromkeys(used)), k, float(np.mean(recalls)))


def _nearest(material: Material, spec: Spec, k: int, among: np.ndarray, progress: Progress) -> tuple[np.ndarray, float]:
    """(N, k) positions of each scan's nearest among these, -1 where there are fewer; and the share that was found."""
    vectors, everyone, people = material.vectors, np.arange(len(material)), material.people
    built = neighbours.build(spec, vectors[among], material.distance)
    found = neighbours.nearest(
        built, vectors, k, queries=everyone, groups=people, among=among, progress=progress
    )  # fmt: skip
    if spec.use in ("exact", "faiss-flat"):
        return found.places, 1.0
    share = neighbours.recall(
        found, vectors, material.distance, queries=everyone, groups=people, among=among, sample=SAMPLE, seed=0
    )  # fmt: skip
    return found.places, share


def _pairs(material: Material, scale: Scale, parts: Sequence[np.ndarray]) -> Candidates:
    count = len(material)
    rows = np.concatenate([np.repeat(np.arange(count), part.shape[1]) for part in parts])
    columns = np.concatenate([part.reshape(-1) for part in parts])
    rank = np.concatenate([np.tile(np.arange(1, part.shape[1] + 1), count) for part in parts])
    there = columns >= 0
    rows, columns, rank = rows[there], columns[there], rank[there]
    one, two = np.minimum(rows, columns), np.maximum(rows, columns)
    keys, inverse = np.unique(one * count + two, return_inverse=True)
    ranks = np.zeros((len(keys), 2), dtype=np.int64)
    ranks[inverse, (rows > columns).astype(np.int64)] = rank
    return measured(material, scale, keys // count, keys % count, ranks)


def measured(
    material: Material, scale: Scale, one: np.ndarray, two: np.ndarray, ranks: np.ndarray | None = None
) -> Candidates:
    """Pairs with their similarity and score."""
    vectors = scores.prepared(material.vectors, material.distance)
    found = np.empty(len(one))
    for start in range(0, len(one), scores.BLOCK):
        rows = slice(start, start + scores.BLOCK)
        found[rows] = scores.similarity(vectors[one[rows]], vectors[two[rows]], material.distance)
    ranks = np.zeros((len(one), 2), dtype=np.int64) if ranks is None else ranks
    return Candidates(one, two, found, scale.score(one, two, found), ranks)


def copies(material: Material) -> dict[tuple[int, int], str]:
    """Pairs of positions that are one file (``exact-file``), or one image in two files (``identical-voxels``)."""
    found: dict[tuple[int, int], str] = {}
    for column, kind in ((CONTENT, "exact-file"), (VOXELS, "identical-voxels")):
        keys = material.column(column).astype(str)
        order = np.argsort(keys, kind="stable")
        ends = np.flatnonzero(np.diff(np.concatenate([[-1], np.unique(keys[order], return_inverse=True)[1], [-1]])))
        for start, stop in itertools.pairwise(ends):
            if stop - start > 1 and keys[order[start]] not in ("", "missing"):
                for pair in _within(order[start:stop]):
                    found.setdefault(pair, kind)
    return found


def own(material: Material) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of positions under one subject id: all, of larger groups each with the first."""
    order = np.argsort(material.people, kind="stable")
    ends = np.concatenate([[0], np.flatnonzero(np.diff(material.people[order])) + 1, [len(order)]])
    pairs = [pair for start, stop in itertools.pairwise(ends) for pair in _within(order[start:stop])]
    found = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def _within(members: np.ndarray) -> list[tuple[int, int]]:
    members = np.sort(members)
    if len(members) > GROUP:
        return [(int(members[0]), int(other)) for other in members[1:]]
    return [(int(one), int(two)) for place, one in enumerate(members) for two in members[place + 1 :]]
