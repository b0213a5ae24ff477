from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlfp.errors import MlfpError, ParameterError, UsageError
from mlfp.evaluation import metrics, ranking
from mlfp.evaluation.ranking import rank, tie_order
from mlfp.evaluation.similarity import VectorSimilarity
from mlfp.types.scan_table import ScanTable
from mlfp.types.trial import Trial


@dataclass(frozen=True)
class Matrix:
    """Similarities that are written down; remembers the largest block it was asked for."""

    scores: np.ndarray
    asked: list[int]

    def block(self, queries: np.ndarray, gallery: np.ndarray) -> np.ndarray:
        self.asked.append(len(queries) * len(gallery))
        block: np.ndarray = self.scores[np.ix_(queries, gallery)].astype(np.float32)
        return block


def table(subjects: list[str], *, first: int = 0, **columns: list[str]) -> ScanTable:
    scans = [f"s{first + place}" for place in range(len(subjects))]
    return ScanTable(pd.DataFrame({"scan": scans, "subject": subjects, **columns}))


def trial(scores: np.ndarray, queries: ScanTable, gallery: ScanTable, ignore: tuple[str, ...] = ()) -> Trial:
    return Trial(queries, gallery, Matrix(scores, []), ignore)


def obvious(given: Trial, scores: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(Q, k) neighbours, (Q,) relevant totals and (Q,) rank of the first mated scan, one comparison at a time."""
    neighbours, totals = np.full((len(given.queries), k), -1), np.zeros(len(given.queries), int)
    first = np.zeros(len(given.queries), int)
    turn = {position: place for place, position in enumerate(tie_order(given.gallery).tolist())}
    for q, query in enumerate(given.queries):
        allowed = []
        for g, scan in enumerate(given.gallery):
            same = scan["subject"] == query["subject"]
            if scan["scan"] == query["scan"] or (same and any(scan[name] == query[name] for name in given.ignore)):
                continue
            if not same and any(scan[name] != query[name] for name in given.rivals):
                continue
            if same and given.mates is not None and not given.mates(np.array([q]), np.array([g]))[0]:
                continue
            allowed.append(g)
            totals[q] += same
        order = sorted(allowed, key=lambda g: (-scores[q, g], turn[g]))
        own = [rank for rank, g in enumerate(order, 1) if given.gallery.subjects[g] == query["subject"]]
        first[q] = min(own, default=0)
        neighbours[q, : len(order[:k])] = order[:k]
    return neighbours, totals, first


@st.composite
def trials(draw: st.DrawFn) -> tuple[Trial, np.ndarray]:
    """Few values, so that ties abound; queries that are in the gallery, and that are not."""
    seed = draw(st.integers(0, 2**31))
    rng = np.random.default_rng(seed)
    rows, columns = draw(st.integers(1, 9)), draw(st.integers(1, 14))
    people = [str(number) for number in rng.integers(0, draw(st.integers(1, 5)), rows + columns)]
    sessions = [str(number) for number in rng.integers(0, 3, rows + columns)]
    queries = table(people[:rows], session=sessions[:rows])
    gallery = table(people[rows:], first=draw(st.integers(0, rows)), session=sessions[rows:])
    scores = rng.integers(0, draw(st.integers(1, 6)), (rows, columns)).astype(np.float32)
    mates = (lambda asking, answering: (asking + answering) % 3 > 0) if draw(st.booleans()) else None
    rivals = draw(st.sampled_from([(), ("session",)]))
    return Trial(
        queries, gallery, Matrix(scores, []), draw(st.sampled_from([(), ("session",)])), rivals=rivals, mates=mates
    ), scores


@settings(max_examples=80, deadline=None)
@given(trials(), st.integers(1, 20), st.sampled_from([1, 120, 1 << 20]), st.booleans())
def test_it_equals_a_full_sort(given: tuple[Trial, np.ndarray], k: int, budget: int, narrow: bool) -> None:
    asked, scores = given
    neighbours, totals, first = obvious(asked, scores, k)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranking, "NARROW", ranking.NARROW if narrow else 0)
        found = rank(asked, k, budget=budget)
    np.testing.assert_array_equal(found.neighbours, neighbours)
    np.testing.assert_array_equal(found.relevant_total, totals)
    np.testing.assert_array_equal(found.first, first)
    there = neighbours >= 0
    expected = np.where(there, np.take_along_axis(scores, np.maximum(neighbours, 0), axis=1), -np.inf)
    np.testing.assert_array_equal(found.scores, expected)
    mated = asked.gallery.subjects[neighbours] == asked.queries.subjects[:, None]
    np.testing.assert_array_equal(found.relevant, mated & there)
    nearest = np.where(
        (found.relevant & there).any(axis=1), np.where(found.relevant, found.scores, -np.inf).max(axis=1), 0
    )
    within = (first > 0) & (first <= k)
    np.testing.assert_array_equal(found.first_scores[within], nearest[within])
    assert np.isneginf(found.first_scores[first == 0]).all()


def test_blocks_stay_within_the_budget() -> None:
    people = table([str(place % 7) for place in range(200)])
    scores = np.random.default_rng(0).random((200, 200))
    asked = trial(scores, people, people)
    rank(asked, budget=4 * 200 * 3)
    assert max(asked.similarity.asked) <= 3 * 200  # type: ignore[attr-defined]


def test_what_it_will_take_is_said_before_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, int, int]] = []
    people = table([str(place % 7) for place in range(50)])
    scores = np.random.default_rng(0).random((50, 50))
    asked = replace(trial(scores, people, people), progress=lambda *said: told.append(said))
    rank(asked)
    assert not told
    monkeypatch.setattr(ranking, "LARGE", 100)
    rank(asked, budget=4 * 50 * 20)
    assert told == [("ranking 50 scans, 20 KiB", done, 50) for done in (0, 20, 40, 50)]


def test_it_refuses_what_there_is_no_memory_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranking, "available", lambda: 100)
    people = table(["a", "a", "b"])
    with pytest.raises(MlfpError, match="needs 246 bytes of memory, and 100 bytes are free"):
        rank(trial(np.zeros((3, 3)), people, people))


def test_similarities_that_are_all_equal_find_by_chance_only() -> None:
    """However the gallery is sorted: here by subject, with the queries in it, where ties by row would give 2 / 40."""
    hits = []
    for first in range(0, 4000, 40):
        people = table([str(place // 2) for place in range(40)], first=first)
        hits.append(metrics.precision_at_1(rank(trial(np.zeros((40, 40)), people, people))).mean())
    assert np.mean(hits) == pytest.approx(1 / 39, abs=0.002)


def test_k_is_the_most_there_is_to_find_unless_given() -> None:
    people = table(["a", "a", "a", "b", "c"])
    asked = trial(np.zeros((5, 5)), people, people)
    assert rank(asked).neighbours.shape == (5, 2)
    assert rank(asked, at_least=4).neighbours.shape == (5, 4)
    assert list(rank(asked).lone) == [False, False, False, True, True]


def test_lone_queries_are_spared_when_asked() -> None:
    people = table(["a", "a", "b"])
    found = rank(trial(np.ones((3, 3)), people, people), lone=False)
    assert found.neighbours.tolist() == [[1], [0], [-1]]


def test_ids_are_text() -> None:
    """Numbers beyond 2**24 that float32 would merge, and zeros in front that integers would lose."""
    people = table(["16777217", "16777216", "7", "007"])
    found = rank(trial(np.ones((4, 4)), people, people))
    assert found.lone.all()


def test_ignored_columns_must_be_there() -> None:
    people = table(["a", "a"])
    with pytest.raises(ParameterError, match="no column 'sesion'"):
        rank(trial(np.ones((2, 2)), people, people, ("sesion",)))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_refused(bad: float) -> None:
    people = table(["a", "a", "b"])
    scores = np.ones((3, 3))
    scores[1, 2] = bad
    with pytest.raises(MlfpError, match="'s1'"):
        rank(trial(scores, people, people))


def test_nothing_to_rank_is_refused() -> None:
    people = table(["a", "a"])
    with pytest.raises(UsageError, match="0 queries"):
        rank(trial(np.ones((0, 2)), people.select(np.array([], dtype=int)), people))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from(["cosine", "l2", "inner"]))
def test_vectors_rank_as_their_distances_do(seed: int, distance: str) -> None:
    rng = np.random.default_rng(seed)
    people = table([str(number) for number in rng.integers(0, 6, 30)])
    vectors = rng.integers(-3, 4, (30, 5)).astype(np.float32) + 1
    long = vectors.astype(np.float64)
    length = np.maximum(np.linalg.norm(long, axis=1, keepdims=True), 1e-12)
    exact = {
        "cosine": (long / length) @ (long / length).T,
        "l2": -np.linalg.norm(long[:, None] - long, axis=2),
        "inner": long @ long.T,
    }[distance]
    found = rank(Trial(people, people, VectorSimilarity(vectors, vectors, distance)), 29)
    np.fill_diagonal(exact, -np.inf)
    np.testing.assert_allclose(found.scores, -np.sort(-exact, axis=1)[:, :29], atol=1e-5)
