"""What each query found, kept for people to look at: no number is computed from it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mlfp.types.trial import Trial

if TYPE_CHECKING:
    from mlfp.interfaces.evaluator import Evaluator, Need
    from mlfp.types.estimate import Estimate

FILE = "neighbours.parquet"
#: Neighbours that are kept of each query.
NEAREST = 5
#: Queries of one trial that are kept at most.
MOST_QUERIES = 4000
#: Queries looked at at a time.
BLOCK = 256
COLUMNS = (
    "evaluation", "trial", "query", "subject", "query_chain", "gallery_chain", "place", "of", "mate", "rank",
    "scan", "found_subject", "score", "right",
)  # fmt: skip


@dataclass
class Witness:
    """An evaluator that also writes down what the queries of its trials found.

    :param evaluator: what measures; only one that ranks is looked over the shoulder.
    :param evaluation: key of the evaluation.
    :param query_chain: key of the chain that the queries went through, and so what they looked like.
    :param gallery_chain: the same of the gallery.
    """

    evaluator: Evaluator
    evaluation: str
    query_chain: str
    gallery_chain: str
    frames: list[pd.DataFrame] = field(default_factory=list)
    needs: Need = field(init=False)

    def __post_init__(self) -> None:
        self.needs = self.evaluator.needs

    def __call__(self, trial: Trial) -> Mapping[str, Estimate]:
        """Measure, then look."""
        measured = self.evaluator(trial)
        if self.needs == "ranking":
            found = look(trial)
            found["evaluation"], found["trial"] = self.evaluation, len(self.frames)
            found["query_chain"], found["gallery_chain"] = self.query_chain, self.gallery_chain
            self.frames.append(found[list(COLUMNS)])
        return measured


def look(trial: Trial) -> pd.DataFrame:
    """The nearest scans of every query that has something to find, and at which place its nearest mated scan came.

    :returns: a row for each query and neighbour: ``query``, its ``subject``, the ``place`` (1 is right at once) of its
        nearest ``mate``, a scan of its subject, among ``of`` eligible scans, and the neighbour's ``rank``, ``scan``,
        ``found_subject``, ``score`` and whether it is ``right``.
    """
    # Here, and not at the top: the kernel imports torch, and reading what is kept must not.
    from mlfp.evaluation.eligibility import Eligibility
    from mlfp.evaluation.ranking import rank

    able = np.flatnonzero(Eligibility(trial.queries, trial.gallery, trial.ignore).relevant_total)
    trial = _some(trial, able)
    if len(trial.queries) == 0:
        return pd.DataFrame(columns=list(COLUMNS))
    ranking = rank(trial, NEAREST)
    place, of, mate = _places(trial, Eligibility(trial.queries, trial.gallery, trial.ignore))
    rows, ranks = np.nonzero(ranking.neighbours >= 0)
    found = ranking.neighbours[rows, ranks]
    return pd.DataFrame(
        {
            "query": trial.queries.scans[rows].astype(str),
            "subject": trial.queries.subjects[rows].astype(str),
            "place": place[rows],
            "of": of[rows],
            "mate": trial.gallery.scans[mate[rows]].astype(str),
            "rank": ranks + 1,
            "scan": trial.gallery.scans[found].astype(str),
            "found_subject": trial.gallery.subjects[found].astype(str),
            "score": ranking.scores[rows, ranks],
            "right": ranking.relevant[rows, ranks],
        }
    )


def _some(trial: Trial, able: np.ndarray) -> Trial:
    """The trial of the queries that are kept: those with the lowest hashes, the same for every method."""
    if len(able) > MOST_QUERIES:
        hashes = pd.util.hash_array(trial.queries.scans[able].astype(str).astype(object))
        able = np.sort(able[np.argsort(hashes, kind="stable")[:MOST_QUERIES]])
    if len(able) == len(trial.queries):
        return trial
    # Not evaluation.measure's Selected: an evaluator may have been given one already, and they nest as well.
    return replace(
        trial,
        queries=trial.queries.select(able),
        similarity=_Asking(trial.similarity, able),
        query_vectors=None if trial.query_vectors is None else trial.query_vectors[able],
    )


@dataclass(frozen=True)
class _Asking:
    """The similarity of some of the queries with the whole gallery."""

    whole: Any
    queries: np.ndarray

    def block(self, queries: np.ndarray, gallery: np.ndarray) -> np.ndarray:
        found: np.ndarray = self.whole.block(self.queries[queries], gallery)
        return found


def _places(trial: Trial, eligibility: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(Q,) at which place the nearest mated scan of each query came, from 1; among how many; and which it is."""
    place, of, mate = (np.zeros(len(trial.queries), dtype=np.int64) for _ in range(3))
    everything = np.arange(len(trial.gallery))
    for start in range(0, len(trial.queries), BLOCK):
        queries = np.arange(start, min(start + BLOCK, len(trial.queries)))
        scores = trial.similarity.block(queries, everything)
        rows, columns = eligibility.excluded(queries)
        scores[rows, columns] = -np.inf
        rows, columns, eligible = eligibility.mated(queries)
        own = np.full_like(scores, -np.inf)
        own[rows[eligible], columns[eligible]] = scores[rows[eligible], columns[eligible]]
        mate[queries] = own.argmax(axis=1)
        place[queries] = 1 + (scores > own.max(axis=1, keepdims=True)).sum(axis=1)
        of[queries] = (~np.isneginf(scores)).sum(axis=1)
    return place, of, mate


def worst_first(frame: pd.DataFrame, most: int) -> list[pd.DataFrame]:
    """The queries of one evaluation that went most wrong, with their neighbours; then those that went right.

    :param frame: what was kept of one evaluation.
    :param most: how many queries.
    :returns: one frame a query, its rows in the order of ranks.
    """
    asked = frame.groupby(["trial", "query"], sort=True)
    # Among equals: by how far the first wrong scan is ahead of the first right one.
    wrong = frame[~frame["right"].astype(bool)].groupby(["trial", "query"])["score"].max()
    right = frame[frame["right"].astype(bool)].groupby(["trial", "query"])["score"].max()
    bad = pd.DataFrame({"place": asked["place"].first(), "gap": wrong.sub(right).fillna(-np.inf)})
    bad["gap"] = bad["gap"].fillna(-np.inf)
    order = bad.sort_values(["place", "gap"], ascending=False, kind="stable").index[:most]
    return [asked.get_group(key).sort_values("rank") for key in order]


def write(folder: Path, frames: Sequence[pd.DataFrame]) -> None:
    """Keep what was seen, in place of what was kept of the same evaluations."""
    if not frames:
        return
    path = folder / FILE
    fresh = pd.concat(frames, ignore_index=True)
    before = read(folder)
    kept = before[~before["evaluation"].isin(set(fresh["evaluation"]))]
    folder.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    whole = fresh if kept.empty else pd.concat([kept, fresh], ignore_index=True)
    whole.to_parquet(draft, index=False, compression="zstd")
    draft.replace(path)


def read(folder: Path) -> pd.DataFrame:
    """What is kept in a run's folder; an empty frame where it is nothing."""
    path = folder / FILE
    return pd.read_parquet(path) if path.is_file() else pd.DataFrame(columns=list(COLUMNS))
