"""The nearest gallery scans of every query: the one kernel that retrieval metrics share.

Exact, and streamed: similarities are had in blocks of some queries with the whole gallery, of at most a byte budget,
never as a whole matrix. What a ranking will take is known, and said, before it starts.

Among gallery scans that are exactly as near, the one comes first whose id has the lower hash: an order that is the same
for every query, every method and every order of rows, and knows nothing of subjects. So a tie is won by the mated scan
as often as by chance, and similarities that are all equal give the accuracy of guessing. The order of rows would not
do: in a gallery sorted by subject, a query that is itself the first of a tie leaves its own mate to be the next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from mlfp.errors import MlfpError, UsageError
from mlfp.evaluation.eligibility import Eligibility
from mlfp.execution.memory import available, size
from mlfp.types.ranking import Ranking
from mlfp.types.scan_table import ScanTable
from mlfp.types.trial import Trial
from mlfp.wording import counted

#: Bytes of one block of similarities.
BUDGET = 1 << 25
#: Similarities from which on a ranking tells how far it is.
LARGE = 10**8
#: Gallery scans that are sorted altogether sooner than the nearest are picked out.
NARROW = 64


def tie_order(gallery: ScanTable) -> np.ndarray:
    """(G,) positions in the order in which scans that are equally near come."""
    hashes = pd.util.hash_array(gallery.scans.astype(str).astype(object))
    order: np.ndarray = np.argsort(hashes, kind="stable")
    return order


def rank(trial: Trial, k: int | None = None, *, at_least: int = 1, lone: bool = True, budget: int = BUDGET) -> Ranking:
    """Rank the gallery for every query.

    :param trial: Q queries, G gallery scans, and the rules of who may find whom.
    :param k: how many neighbours; None means as many as the query has to find, which is what the R-metrics need.
    :param at_least: how many they are at least when ``k`` is None.
    :param lone: rank for queries that have nothing to find, too. A slow scorer is spared what no metric reads without.
    :param budget: bytes of similarities held at a time; a row of G is held at the least.
    :raises MlfpError: a similarity is not finite, or there is not the memory.
    :raises UsageError: there are no queries, or no gallery.
    """
    if len(trial.queries) == 0 or len(trial.gallery) == 0:
        raise UsageError(
            f"there are {counted(len(trial.queries), 'query', 'queries')} and "
            f"{counted(len(trial.gallery), 'gallery scan')}, so nothing can be ranked"
        )
    eligibility = Eligibility.of(trial)
    wanted = max(at_least, int(eligibility.relevant_total.max())) if k is None else k
    told = _stated(trial, wanted, budget)
    found = _empty(len(trial.queries), wanted, eligibility)
    order = tie_order(trial.gallery)
    turn = np.argsort(order)
    height = max(1, budget // (4 * len(trial.gallery)))
    # Those with as much to find together: picking out the nearest costs as many as there are of them.
    asking = np.argsort(eligibility.relevant_total, kind="stable")
    asking = asking if lone else asking[eligibility.relevant_total[asking] > 0]
    for start in range(0, len(asking), height):
        told(start, len(asking))
        queries = np.sort(asking[start : start + height])
        most = max(at_least, int(eligibility.relevant_total[queries].max())) if k is None else k
        block, rows, mates = _row_block(trial, eligibility, queries, order, turn)
        scores, columns = (part.numpy() for part in select(block, min(most, len(order))))
        _check(trial, queries, scores)
        kept = scores.shape[1]
        found.scores[queries, :kept] = scores
        found.neighbours[queries, :kept] = np.where(np.isneginf(scores), -1, order[columns])
        found.first[queries], found.first_scores[queries] = _first(block, rows, mates)
    told(len(asking), len(asking))
    same = eligibility.gallery_labels[found.neighbours] == eligibility.query_labels[:, None]
    return replace(found, relevant=same & (found.neighbours >= 0))


def memory(queries: int, gallery: int, k: int, *, budget: int = BUDGET) -> int:
    """Bytes that :func:`rank` holds at most, vectors and tables aside: what it returns, and what it works on.

    :param k: neighbours of each query.
    """
    returned = queries * (k * (8 + 4 + 1) + 3 * 8)
    compared = queries * k * (1 + 8)  # whose the neighbours are
    row = 4 * gallery
    # A block of similarities, beside it the columns it was made of, and which of them may not be found.
    working = 3 * max(row, min(budget, queries * row))
    return returned + compared + working


def _stated(trial: Trial, k: int, budget: int) -> Callable[[int, int], None]:
    """Say what ranking will take, before it starts; small ones say nothing.

    :raises MlfpError: there is not the memory.
    """
    needed = memory(len(trial.queries), len(trial.gallery), k, budget=budget)
    free = available()
    if free is not None and needed > free:
        raise MlfpError(
            f"ranking {len(trial.gallery):,} scans for {len(trial.queries):,} queries needs {size(needed)} of memory, "
            f"and {size(free)} are free",
            hints=[
                f"It keeps the {k:,} nearest of each query, as many as one subject has scans: leave out such subjects",
                "Or measure fewer queries at a time: query: {column: value}.",
            ],
        )
    if len(trial.queries) * len(trial.gallery) < LARGE:
        return lambda done, total: None
    what = f"ranking {len(trial.gallery):,} scans, {size(needed)}"
    return lambda done, total: trial.progress(what, done, total)


def _empty(queries: int, k: int, eligibility: Eligibility) -> Ranking:
    return Ranking(
        neighbours=np.full((queries, k), -1, dtype=np.int64),
        scores=np.full((queries, k), -np.inf, dtype=np.float32),
        relevant=np.zeros((0, 0), dtype=bool),
        relevant_total=eligibility.relevant_total,
        first=np.zeros(queries, dtype=np.int64),
        first_scores=np.full(queries, -np.inf, dtype=np.float32),
    )


def _row_block(
    trial: Trial, eligibility: Eligibility, queries: np.ndarray, order: np.ndarray, turn: np.ndarray
) -> tuple[Tensor, np.ndarray, np.ndarray]:
    """The similarities of some queries with the whole gallery, ``-inf`` where they may not find it.

    :param order: of the gallery: who comes first in a tie. :param turn: each gallery scan's place in it.
    :returns: (Q, G) in that order; and the mated pairs among it: (P,) rows and (P,) columns.
    """
    block = torch.from_numpy(trial.similarity.block(queries, order))
    rows, columns = eligibility.excluded(queries)
    block[torch.from_numpy(rows), torch.from_numpy(turn[columns])] = -torch.inf
    barred = eligibility.barred(queries, order)
    if barred is not None:
        block[torch.from_numpy(barred)] = -torch.inf
    rows, columns, eligible = eligibility.mated(queries)
    return block, rows[eligible], turn[columns[eligible]]


def _first(block: Tensor, rows: np.ndarray, mates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(Q,) rank of the first mated scan, from 1, and its similarity; 0 and ``-inf`` where there is none."""
    similarity = block[torch.from_numpy(rows), torch.from_numpy(mates)].numpy()
    nearest = np.lexsort((mates, -similarity, rows))
    asking, starts = np.unique(rows, return_index=True)
    best = nearest[starts]
    ranks, scores = np.zeros(len(block), dtype=np.int64), np.full(len(block), -np.inf, dtype=np.float32)
    scores[asking] = similarity[best]
    for row, mate, score in zip(asking, mates[best], similarity[best], strict=True):
        line = block[row].numpy()
        # Ties go to whoever comes first.
        ranks[row] = 1 + np.count_nonzero(line > score) + np.count_nonzero(line[:mate] == score)
    return ranks, scores


def _check(trial: Trial, queries: np.ndarray, best: np.ndarray) -> None:
    """What is not a number sorts first, and so does infinity: the nearest neighbour tells."""
    bad = queries[np.isnan(best[:, 0]) | np.isposinf(best[:, 0])]
    if len(bad):
        raise MlfpError(
            f"the similarity of query {trial.queries.scans[bad[0]]!r} with some gallery scan is not finite",
            hints=[
                f"So it is for {counted(len(bad), 'query', 'queries')} of this block. "
                "A diverged training, or a division by zero?"
            ],
        )


def select(block: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """(Q, k) highest values and their columns, best first, ties in the order of columns."""
    if block.shape[1] <= max(k, NARROW):
        scores, columns = block.sort(dim=1, descending=True, stable=True)
        return scores[:, :k], columns[:, :k]
    scores, columns = block.topk(k + 1, dim=1)
    # Which of several equal values topk picks is arbitrary: one value too many tells where that matters.
    for row in torch.nonzero(scores[:, k - 1] == scores[:, k]).flatten().tolist():
        threshold = scores[row, k - 1]
        above = torch.nonzero(block[row] > threshold).flatten()
        level = torch.nonzero(block[row] == threshold).flatten()[: k - len(above)]
        columns[row, :k] = torch.cat([above, level])
    columns = columns[:, :k].sort(dim=1).values
    scores, order = block.gather(1, columns).sort(dim=1, descending=True, stable=True)
    return scores, columns.gather(1, order)
