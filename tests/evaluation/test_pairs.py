from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlfp.errors import MlfpError, UsageError
from mlfp.evaluation.pairs import Match, pairs
from mlfp.types.scan_table import ScanTable
from mlfp.types.trial import Trial


@dataclass(frozen=True)
class Matrix:
    scores: np.ndarray

    def block(self, queries: np.ndarray, gallery: np.ndarray) -> np.ndarray:
        block: np.ndarray = self.scores[np.ix_(queries, gallery)].astype(np.float32)
        return block


def table(subjects: list[str], *, first: int = 0, **columns: list[str]) -> ScanTable:
    scans = [f"s{first + place}" for place in range(len(subjects))]
    return ScanTable(pd.DataFrame({"scan": scans, "subject": subjects, **columns}))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([0, 3, 100]), st.booleans(), st.booleans())
def test_every_pair_comes_once(seed: int, first: int, ignore: bool, rivals: bool) -> None:
    """Queries and gallery are the same scans (first 0), share some (3), or none (100)."""
    rng = np.random.default_rng(seed)
    asking, answering = int(rng.integers(2, 9)), int(rng.integers(4, 12))
    # A scan is of one subject and session wherever it stands.
    people, sessions = rng.integers(0, 4, 120).astype(str), rng.integers(0, 2, 120).astype(str)
    queries = table(list(people[:asking]), session=list(sessions[:asking]))
    gallery = table(
        list(people[first : first + answering]), first=first, session=list(sessions[first : first + answering])
    )
    scores = rng.normal(size=(asking, answering))
    given = Trial(
        queries, gallery, Matrix(scores), ("session",) if ignore else (), rivals=("session",) if rivals else ()
    )
    wanted: dict[bool, dict[frozenset[str], tuple[int, int]]] = {True: {}, False: {}}
    for q, query in enumerate(queries):
        for g, scan in enumerate(gallery):
            same = query["subject"] == scan["subject"]
            out = (
                ignore and query["session"] == scan["session"]
                if same
                else rivals and query["session"] != scan["session"]
            )
            if query["scan"] != scan["scan"] and not out:
                wanted[same].setdefault(frozenset((query["scan"], scan["scan"])), (q, g))
    if not wanted[True] or not wanted[False]:
        with pytest.raises(UsageError, match="nothing can be verified"):
            pairs(given)
        return
    for found, expected in zip(pairs(given), (wanted[True], wanted[False]), strict=True):
        assert sorted(zip(found.queries.tolist(), found.gallery.tolist(), strict=True)) == sorted(expected.values())
        np.testing.assert_allclose(found.scores, scores[found.queries, found.gallery], rtol=1e-6)
        assert found.total == len(found)


def test_others_are_drawn_where_there_are_too_many() -> None:
    people = table([str(place // 2) for place in range(600)])
    rng = np.random.default_rng(0)
    asked = Trial(people, people, Matrix(rng.normal(size=(600, 600))))
    (mated, others), (_, everyone) = pairs(asked, most=20_000), pairs(asked)
    assert len(mated) == 300
    assert 8_000 < len(others) < 12_000  # each pair has two ways round, of which one counts
    assert everyone.total == len(everyone) == 600 * 598 // 2
    assert others.total == pytest.approx(everyone.total, rel=0.05)
    assert others.scores.mean() == pytest.approx(0, abs=0.05)


def test_what_is_not_finite_is_refused() -> None:
    people = table(["a", "a", "b"])
    with pytest.raises(MlfpError, match="'s0'"):
        pairs(Trial(people, people, Matrix(np.full((3, 3), np.nan))))


def test_columns_match_as_text_or_as_numbers_that_are_near() -> None:
    people = table(list("abcd"), age=["40", "44.5", "46", ""], sex=["F", "F", "M", ""])
    one, other = np.array([0, 0, 0, 3]), np.array([1, 2, 3, 3])
    assert Match(people, people, "age", 5)(one, other).tolist() == [True, False, False, False]
    assert Match(people, people, "sex", 5)(one, other).tolist() == [True, False, False, False]


def test_a_share_of_the_pairs_is_a_share_of_all() -> None:
    people = table([str(place // 2) for place in range(40)])
    _, others = pairs(Trial(people, people, Matrix(np.zeros((40, 40)))))
    half = replace(others, total=2 * others.total).where(np.arange(len(others)) % 2 == 0)
    assert (len(half), half.total) == (others.total // 2, others.total)
