"""Scans that belong together by ids and by what was found: connected components, guarded against running away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: People that one cluster may join: more is rather a mistake that chains them than one person under so many ids.
MOST = 8


@dataclass(frozen=True)
class Clusters:
    """What holds together.

    :param of: (N,) each scan's cluster, numbered from 0 in the order of their first scans.
    :param bridges: (E,) bool: without this edge its cluster falls in two.
    :param cut: (E,) bool: this edge was left out, as its cluster would have joined too many people.
    """

    of: np.ndarray
    bridges: np.ndarray
    cut: np.ndarray

    def members(self, number: int) -> np.ndarray:
        """Positions of the scans of a cluster."""
        return np.flatnonzero(self.of == number)


def cluster(people: np.ndarray, edges: np.ndarray, strength: np.ndarray, *, most: int = MOST) -> Clusters:
    """Join people by edges, the strongest first, as long as no cluster joins more than ``most`` of them.

    :param people: (N,) numbers: scans of one number are together anyway.
    :param edges: (E, 2) positions of scans.
    :param strength: (E,) how sure each is.
    """
    ends = people[edges] if len(edges) else np.zeros((0, 2), dtype=np.int64)
    parent = np.arange(int(people.max()) + 1)
    size = np.ones(len(parent), dtype=np.int64)

    def root(item: int) -> int:
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = int(parent[item])
        return item

    cut = np.zeros(len(edges), dtype=bool)
    for place in np.argsort(-strength, kind="stable"):
        one, two = root(int(ends[place, 0])), root(int(ends[place, 1]))
        if one == two:
            continue
        if size[one] + size[two] > most:
            cut[place] = True
            continue
        parent[two] = one
        size[one] += size[two]
    roots = np.array([root(int(person)) for person in people])
    _, first, inverse = np.unique(roots, return_index=True, return_inverse=True)
    number = np.argsort(np.argsort(first))
    return Clusters(number[inverse], _bridges(ends, ~cut, len(parent)), cut)


def _bridges(ends: np.ndarray, kept: np.ndarray, nodes: int) -> np.ndarray:
    """(E,) bool: the edges that lie on no circle (Tarjan 1974), without recursion; of two alike neither does."""
    found = np.zeros(len(ends), dtype=bool)
    around: dict[int, list[tuple[int, int]]] = {}
    for place in np.flatnonzero(kept):
        one, two = (int(end) for end in ends[place])
        if one != two:
            around.setdefault(one, []).append((two, int(place)))
            around.setdefault(two, []).append((one, int(place)))
    seen, low = np.full(nodes, -1), np.zeros(nodes, dtype=np.int64)
    clock = 0
    for start in around:
        if seen[start] >= 0:
            continue
        seen[start] = low[start] = clock
        clock += 1
        stack = [(start, -1, iter(around[start]))]
        while stack:
            node, edge, rest = stack[-1]
            for other, place in rest:
                if place == edge:
                    continue
                if seen[other] >= 0:
                    low[node] = min(low[node], seen[other])
                    continue
                seen[other] = low[other] = clock
                clock += 1
                stack.append((other, place, iter(around[other])))
                break
            else:
                stack.pop()
                if stack:
                    above = stack[-1][0]
                    low[above] = min(low[above], low[node])
                    found[edge] = low[node] > seen[above]
    return found
