from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlfp_plugins.evaluators.few_shot import FewShot

from mlfp.errors import ParameterError
from mlfp.evaluation.episodes import Episodes
from mlfp.evaluation.ranking import tie_order
from mlfp.types.scan_table import ScanTable
from mlfp.types.trial import Trial


class Written:
    """Similarities that are written down."""

    def __init__(self, scores: np.ndarray) -> None:
        self.scores = scores

    def block(self, queries: np.ndarray, gallery: np.ndarray) -> np.ndarray:
        block: np.ndarray = self.scores[np.ix_(queries, gallery)].astype(np.float32)
        return block


def table(subjects: list[int], *, first: int = 0, sessions: list[int] | None = None) -> ScanTable:
    scans = [f"s{first + place}" for place in range(len(subjects))]
    days = sessions or [0] * len(subjects)
    return ScanTable(pd.DataFrame({"scan": scans, "subject": subjects, "session": days}).astype(str))


def slow(trial: Trial, few: FewShot, ways: int) -> dict[str, float]:
    """The same draws, answered one query at a time; a mean over episodes of means over queries."""
    episodes = Episodes(trial.queries, trial.gallery, trial.ignore, few.shots)
    turn = {position: place for place, position in enumerate(tie_order(trial.gallery).tolist())}
    recalls, hits = [], {rank: [] for rank in few.hits}  # type: ignore[var-annotated]
    for episode in episodes.draw(ways, seed=trial.seed, episodes=few.episodes):
        recall, found = [], {rank: [] for rank in few.hits}  # type: ignore[var-annotated]
        for query in range(ways):
            pairs = [(owner, int(scan)) for owner, row in enumerate(episode.supports) for scan in row]
            scores = {
                scan: trial.similarity.block(episode.queries[[query]], np.array([scan]))[0, 0] for _, scan in pairs
            }
            pairs.sort(key=lambda pair: (-scores[pair[1]], turn[pair[1]]))
            owners = [owner for owner, _ in pairs]
            recall.append(owners[: few.shots].count(query) / few.shots)
            for rank in few.hits:
                found[rank].append(query in owners[:rank])
        recalls.append(np.mean(recall))
        for rank in few.hits:
            hits[rank].append(np.mean(found[rank]))
    return {
        "recall_at_k_shot": float(np.mean(recalls)),
        **{f"hit_at_{rank}": float(np.mean(values)) for rank, values in hits.items()},
    }


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 3), st.booleans(), st.sampled_from(["all", 3]))
def test_it_equals_a_slow_loop_on_the_same_draws(seed: int, shots: int, ties: bool, ways: int | str) -> None:
    rng = np.random.default_rng(seed)
    subjects = np.repeat(np.arange(6), rng.integers(shots + 1, 6, 6)).tolist()
    scans = table(subjects)
    scores = rng.integers(0, 3, (len(scans),) * 2) if ties else rng.normal(size=(len(scans),) * 2)
    trial = Trial(scans, scans, Written(scores), seed=seed)
    few = FewShot(ways=ways, shots=shots, episodes=3, hits=(1, 4, 500))  # type: ignore[arg-type]
    found = few(trial)
    expected = slow(trial, few, 6 if ways == "all" else 3)
    for name, value in expected.items():
        assert found[name].value == pytest.approx(value)
        assert found[name].n == 3


@pytest.mark.parametrize("ignore", [(), ("session",)])
def test_a_draw_keeps_its_promises(ignore: tuple[str, ...]) -> None:
    rng = np.random.default_rng(0)
    subjects = rng.integers(0, 30, 150).tolist()
    scans = table(subjects, sessions=rng.integers(0, 3, 150).tolist())
    gallery = scans.select(rng.permutation(150)[:120])
    episodes = Episodes(scans, gallery, ignore, 2)
    for episode in episodes.draw(8, seed=1, episodes=20):
        assert len(set(episode.subjects)) == 8
        for place, query in enumerate(episode.queries):
            asking, rows = scans.row(query), [gallery.row(scan) for scan in episode.supports[place]]
            assert asking["subject"] == episodes.subjects[episode.subjects[place]]
            assert len({row["scan"] for row in rows} | {asking["scan"]}) == 3
            assert all(row["subject"] == asking["subject"] for row in rows)
            assert all(row[name] != asking[name] for row in rows for name in ignore)


def test_draws_depend_on_ids_and_seed_alone() -> None:
    scans = table(np.repeat(np.arange(12), 4).tolist())
    shuffled = scans.select(np.random.default_rng(0).permutation(48))

    def drawn(queries: ScanTable, gallery: ScanTable, seed: int) -> list[tuple[list[str], list[list[str]]]]:
        return [
            (queries.scans[item.queries].tolist(), gallery.scans[item.supports].tolist())
            for item in Episodes(queries, gallery, (), 2).draw(5, seed=seed, episodes=4)
        ]

    assert drawn(scans, scans, 0) == drawn(shuffled, scans, 0) == drawn(scans, shuffled, 0)
    assert drawn(scans, scans, 0) != drawn(scans, scans, 1)


def test_every_scan_and_subject_is_drawn_as_often() -> None:
    scans = table(np.repeat(np.arange(10), 4).tolist())
    queries, supports, subjects = np.zeros(40), np.zeros(40), np.zeros(10)
    for episode in Episodes(scans, scans, (), 2).draw(5, seed=0, episodes=2000):
        np.add.at(queries, episode.queries, 1)
        np.add.at(supports, episode.supports.ravel(), 1)
        subjects[episode.subjects] += 1
    for counts in (queries, supports, subjects):
        assert counts.min() > 0.85 * counts.mean()
        assert counts.max() < 1.15 * counts.mean()


def test_guessing_is_right_as_often_as_chance_has_it() -> None:
    scans = table(np.repeat(np.arange(40), 3).tolist())
    found = FewShot(ways=20, shots=2, episodes=200, hits=(1,))(Trial(scans, scans, Written(np.zeros((120, 120)))))
    assert found["hit_at_1"].value == pytest.approx(1 / 20, abs=1e-9)
    assert found["recall_at_k_shot"].value == pytest.approx(1 / 20, abs=1e-9)


def test_units_average_to_the_mean_over_episodes() -> None:
    rng = np.random.default_rng(0)
    scans = table(np.repeat(np.arange(12), 3).tolist())
    found = FewShot(ways=5, episodes=30)(Trial(scans, scans, Written(rng.normal(size=(36, 36)))))
    units = found["hit_at_1"].units
    assert units is not None
    assert units.weights.sum() == 5 * 30
    assert found["hit_at_1"].value == pytest.approx(np.average(units.values, weights=units.weights))


def test_too_many_ways_are_refused_with_the_number_that_qualifies() -> None:
    scans = table([0, 0, 1, 1, 2])
    trial = Trial(scans, scans, Written(np.zeros((5, 5))))
    with pytest.raises(ParameterError, match=r"20 subjects .* and 2 of 3 subjects have them") as caught:
        FewShot()(trial)
    assert caught.value.key == ("ways",)
    assert "at most 2 ways" in str(caught.value)
    found = FewShot(ways="all")(trial)
    assert found["left_out_subjects"].value == pytest.approx(1 / 3)
    with pytest.raises(ParameterError, match="fewer shots"):
        FewShot(ways="all", shots=2)(trial)


@pytest.mark.parametrize("wrong", [{"ways": 1}, {"shots": 0}, {"episodes": 0}, {"hits": (0,)}])
def test_numbers_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    scans = table([0, 0, 1, 1])
    with pytest.raises(ParameterError) as caught:
        FewShot(**wrong)(Trial(scans, scans, Written(np.zeros((4, 4)))))  # type: ignore[arg-type]
    assert caught.value.key == tuple(wrong)
