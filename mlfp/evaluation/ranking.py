"""The nearest gallery scans of every query: the one kernel that retrieval metrics share.

Exact, and streamed: similarities are had in blocks of at most a byte budget, never as a whole matrix.

Among gallery scans that are exactly as near, the one comes first whose id has the lower hash: an order that is the same
for every query, every method and every order of rows, and knows nothing of subjects. So a tie is won by the mated scan
as often as by chance, and similarities that are all equal give the accuracy of guessing. The order of rows would not
do: in a gallery sorted by subject, a query that is itself the first of a tie leaves its own mate to be the next.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from mlfp.errors import MlfpError, UsageError
from mlfp.evaluation.eligibility import Eligibility
from mlfp.types.ranking import Ranking
from mlfp.types.scan_table import ScanTable
from mlfp.types.trial import Trial

#: Bytes of one block of similarities.
BUDGET = 1 << 25
#: Gallery scans of one block at most.
WIDTH = 1 << 15
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
    :param k: how many neighbours; None means as many as the most that any query has to find, which is what the
        R-metrics need.
    :param at_least: how many they are at least when ``k`` is None.
    :param lone: rank for queries that have nothing to find, too. A slow scorer is spared what no metric reads without.
    :param budget: bytes of similarities held at a time.
    :raises MlfpError: a similarity is not finite.
    :raises UsageError: there are no queries, or no gallery.
    """
    if len(trial.queries) == 0 or len(trial.gallery) == 0:
        raise UsageError(
            f"there are {len(trial.queries)} queries and {len(trial.gallery)} gallery scans, so nothing can be ranked"
        )
    eligibility = Eligibility(trial.queries, trial.gallery, trial.ignore)
    wanted = max(at_least, int(eligibility.relevant_total.max())) if k is None else k
    size = (len(trial.queries), wanted)
    neighbours, scores = np.full(size, -1, dtype=np.int64), np.full(size, -np.inf, dtype=np.float32)
    kept, order = min(wanted, len(trial.gallery)), tie_order(trial.gallery)
    height = max(1, budget // (4 * min(WIDTH, len(trial.gallery))))
    asking = np.arange(len(trial.queries)) if lone else np.flatnonzero(eligibility.relevant_total)
    for start in range(0, len(asking), height):
        queries = asking[start : start + height]
        best, positions = _nearest(trial, eligibility, queries, order, kept)
        _check(trial, queries, best)
        scores[queries, :kept], neighbours[queries, :kept] = best, np.where(np.isneginf(best), -1, positions)
    found = eligibility.gallery_labels[neighbours] == eligibility.query_labels[:, None]
    return Ranking(neighbours, scores, found & (neighbours >= 0), eligibility.relevant_total)


def _nearest(
    trial: Trial, eligibility: Eligibility, queries: np.ndarray, order: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """(Q, k) scores and gallery positions, best first, merged block by block.

    :param order: of the gallery: who comes first in a tie.
    """
    rows, excluded = eligibility.excluded(queries)
    columns = np.argsort(order)[excluded]
    best, places = torch.empty((len(queries), 0)), torch.empty((len(queries), 0), dtype=torch.int64)
    for left in range(0, len(order), WIDTH):
        gallery = order[left : left + WIDTH]
        block = torch.from_numpy(trial.similarity.block(queries, gallery))
        inside = (columns >= left) & (columns < left + len(gallery))
        block[rows[inside], columns[inside] - left] = -torch.inf
        scores, found = select(block, min(k, len(gallery)))
        # Earlier blocks stand first, and the sort is stable: ties stay in order.
        best, merged = torch.cat([best, scores], dim=1).sort(dim=1, descending=True, stable=True)
        places = torch.cat([places, found + left], dim=1).gather(1, merged)
        best, places = best[:, :k], places[:, :k]
    return best.numpy(), order[places.numpy()]


def _check(trial: Trial, queries: np.ndarray, best: np.ndarray) -> None:
    """What is not a number sorts first, and so does infinity: the nearest neighbour tells."""
    bad = queries[np.isnan(best[:, 0]) | np.isposinf(best[:, 0])]
    if len(bad):
        raise MlfpError(
            f"the similarity of query {trial.queries.scans[bad[0]]!r} with some gallery scan is not finite",
            hints=[f"So it is for {len(bad)} queries of this block. A diverged training, or a division by zero?"],
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
