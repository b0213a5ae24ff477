"""Pairs of scans with their similarity, mated and not: what verification reads.

Every mated pair is kept. Of the others there may be billions: as many as are asked for are drawn, the same for every
method, and how many there are is known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mlfp.errors import MlfpError, UsageError
from mlfp.evaluation.eligibility import Eligibility
from mlfp.seeds import numpy_generator
from mlfp.types.scan_table import ScanTable
from mlfp.types.trial import Trial

#: Pairs of different subjects that are looked at, at most.
MOST = 1 << 23
#: Queries whose pairs are had at a time.
HEIGHT = 64


@dataclass(frozen=True)
class Pairs:
    """P pairs of one kind.

    :param scores: (P,) similarity, higher is nearer.
    :param queries: (P,) positions among the trial's queries.
    :param gallery: (P,) positions in its gallery.
    :param total: how many there are, of which these were drawn.
    """

    scores: np.ndarray
    queries: np.ndarray
    gallery: np.ndarray
    total: int

    def __len__(self) -> int:
        return len(self.scores)

    def where(self, kept: np.ndarray) -> Pairs:
        """Those where a mask holds, with the total scaled down alike."""
        share = float(kept.mean()) if len(kept) else 0.0
        part = Pairs(self.scores[kept], self.queries[kept], self.gallery[kept], len(self))
        return replace(part, total=round(share * self.total))


def pairs(trial: Trial, *, most: int = MOST) -> tuple[Pairs, Pairs]:
    """The mated pairs of a trial, and pairs of different subjects.

    Where two scans are each both query and gallery scan, the pair counts once, the earlier query's way round.

    :param most: pairs of different subjects, at most (about).
    :raises UsageError: there is no pair of one of the two kinds.
    :raises MlfpError: a similarity is not finite.
    """
    eligibility = Eligibility.of(trial)
    mated, others = _mated(trial, eligibility), _others(trial, eligibility, most)
    if len(mated) == 0 or len(others) == 0:
        raise UsageError(
            f"there are {len(mated)} pairs of one subject's scans and {len(others)} of different subjects', so nothing "
            "can be verified",
            hints=["Does 'ignore' leave any? Scans of one session are no pair where it is ignored."],
        )
    for found in (mated, others):
        bad = np.flatnonzero(~np.isfinite(found.scores))
        if len(bad):
            name = trial.queries.scans[found.queries[bad[0]]]
            raise MlfpError(f"the similarity of query {name!r} with some gallery scan is not finite")
    return mated, others


def _once(own: np.ndarray, answers: np.ndarray, queries: np.ndarray, gallery: np.ndarray) -> np.ndarray:
    """(P,) whether a pair is the first of the two ways round in which it may come.

    :param own: (Q,) where the gallery holds a query's own scan. :param answers: (G,) where the queries hold a gallery
        scan; -1 where they do not.
    """
    first: np.ndarray = np.logical_or(np.logical_or(own[queries] < 0, answers[gallery] < 0), queries < answers[gallery])
    return first


def _answers(eligibility: Eligibility, gallery: int) -> np.ndarray:
    found = np.full(gallery, -1)
    there = np.flatnonzero(eligibility.own >= 0)
    found[eligibility.own[there]] = there
    return found


def _mated(trial: Trial, eligibility: Eligibility) -> Pairs:
    answers = _answers(eligibility, len(trial.gallery))
    by_subject = np.argsort(eligibility.query_labels, kind="stable")
    parts = []
    for start in range(0, len(by_subject), HEIGHT):
        queries = by_subject[start : start + HEIGHT]
        rows, columns, eligible = eligibility.mated(queries)
        eligible &= _once(eligibility.own, answers, queries[rows], columns)
        rows, columns = rows[eligible], columns[eligible]
        if len(rows):
            wanted, places = np.unique(columns, return_inverse=True)
            parts.append((trial.similarity.block(queries, wanted)[rows, places], queries[rows], columns))
    return _joined(parts)


def _others(trial: Trial, eligibility: Eligibility, most: int) -> Pairs:
    """All pairs of different subjects, or for every few queries some gallery scans that are drawn for them."""
    answers, everyone = _answers(eligibility, len(trial.gallery)), np.arange(len(trial.gallery))
    drawn = min(len(everyone), max(1, most // len(trial.queries)))
    generator = numpy_generator(trial.seed, "pairs", len(trial.queries), len(everyone))
    parts, looked_at = [], 0
    for start in range(0, len(trial.queries), HEIGHT):
        queries = np.arange(start, min(start + HEIGHT, len(trial.queries)))
        gallery = everyone if drawn == len(everyone) else np.sort(generator.choice(everyone, drawn, replace=False))
        kept = eligibility.query_labels[queries][:, None] != eligibility.gallery_labels[gallery]
        barred = eligibility.barred(queries, gallery)
        if barred is not None:
            kept &= ~barred
        rows, columns = np.nonzero(kept)
        once = _once(eligibility.own, answers, queries[rows], gallery[columns])
        rows, columns = rows[once], columns[once]
        scores = trial.similarity.block(queries, gallery)[rows, columns]
        parts.append((scores, queries[rows], gallery[columns]))
        looked_at += len(queries) * len(gallery)
    found = _joined(parts)
    return replace(found, total=round(len(found) * len(trial.queries) * len(everyone) / max(looked_at, 1)))


def _joined(parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> Pairs:
    if not parts:
        return Pairs(np.zeros(0, np.float32), np.zeros(0, np.int32), np.zeros(0, np.int32), 0)
    scores, queries, gallery = (np.concatenate(item) for item in zip(*parts, strict=True))
    return Pairs(scores.astype(np.float32), queries.astype(np.int32), gallery.astype(np.int32), len(scores))


def subject_codes(trial: Trial) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each query's and each gallery scan's subject as a number from 0 up, and the subjects' ids by their number."""
    everyone = np.concatenate([trial.queries.subjects, trial.gallery.subjects]).astype(str)
    names, codes = np.unique(everyone, return_inverse=True)
    return codes[: len(trial.queries)], codes[len(trial.queries) :], names


def matching(
    queries: ScanTable, gallery: ScanTable, columns: tuple[str, ...], within: float
) -> list[tuple[str, Match]]:
    """The columns of these that both tables have, each with what decides whether a pair agrees in it."""
    return [(name, Match(queries, gallery, name, within)) for name in columns if _known(queries, gallery, name)]


def _known(queries: ScanTable, gallery: ScanTable, name: str) -> bool:
    return name in queries.columns and name in gallery.columns


class Match:
    """Whether scans agree in a column: the same text, or numbers at most so far apart. A blank agrees with none.

    :param within: how far apart numbers may be, in units of the column.
    """

    def __init__(self, queries: ScanTable, gallery: ScanTable, name: str, within: float) -> None:
        self.within = within
        texts = queries.column(name), gallery.column(name)
        numbers = _numbers(texts[0]), _numbers(texts[1])
        self.numeric = numbers[0] is not None and numbers[1] is not None
        self._queries: np.ndarray = texts[0] if numbers[0] is None or numbers[1] is None else numbers[0]
        self._gallery: np.ndarray = texts[1] if numbers[0] is None or numbers[1] is None else numbers[1]

    def __call__(self, queries: np.ndarray, gallery: np.ndarray) -> np.ndarray:
        """(P,) bool for the pairs at these positions."""
        one, other = self._queries[queries], self._gallery[gallery]
        if self.numeric:
            near: np.ndarray = np.abs(one - other) <= self.within  # a blank is nan, which is near nothing
            return near
        same: np.ndarray = (one == other) & (one != "") & (one != "nan")
        return same


def _numbers(column: np.ndarray) -> np.ndarray | None:
    try:
        return np.array([float(text) if text else np.nan for text in column])
    except ValueError:
        return None
