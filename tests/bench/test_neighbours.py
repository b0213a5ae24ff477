from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlfp.bench import neighbours
from mlfp.bench.pictures import SIZE, mapped, picture
from mlfp.evaluation.similarity import VectorSimilarity
from mlfp.types.scan_table import ScanTable
from mlfp.types.trial import Trial


def _trial(subjects: list[int], seed: int) -> Trial:
    generator = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"scan": [f"x{place}" for place in range(len(subjects))], "subject": [f"s{item}" for item in subjects]}
    )
    table = ScanTable(frame)
    vectors = generator.normal(size=(len(subjects), 4)).astype(np.float32)
    return Trial(table, table, VectorSimilarity(vectors, vectors, "cosine"))


@settings(max_examples=30, deadline=None)
@given(subjects=st.lists(st.integers(0, 4), min_size=2, max_size=14), seed=st.integers(0, 1000))
def test_what_was_seen_is_what_a_slow_search_finds(subjects: list[int], seed: int) -> None:
    trial = _trial(subjects, seed)
    frame = neighbours.look(trial)
    scores = trial.similarity.block(np.arange(len(subjects)), np.arange(len(subjects)))
    asked = [place for place, subject in enumerate(subjects) if subjects.count(subject) > 1]
    assert sorted(set(frame["query"])) == sorted(f"x{place}" for place in asked)
    for place in asked:
        others = [other for other in range(len(subjects)) if other != place]
        others.sort(key=lambda other: -scores[place, other])
        part = frame[frame["query"] == f"x{place}"].sort_values("rank")
        assert list(part["scan"]) == [f"x{other}" for other in others[: neighbours.NEAREST]]
        assert list(part["right"]) == [subjects[other] == subjects[place] for other in others[: neighbours.NEAREST]]
        right = next(rank for rank, other in enumerate(others) if subjects[other] == subjects[place])
        assert set(part["place"]) == {right + 1}
        assert set(part["mate"]) == {f"x{others[right]}"}
        assert set(part["of"]) == {len(others)}


def test_the_worst_come_first() -> None:
    rows = [
        ("right", 1, 1, 0.9, True), ("right", 1, 2, 0.5, False),
        ("near", 2, 1, 0.6, False), ("near", 2, 2, 0.59, True),
        ("far", 2, 1, 0.9, False), ("far", 2, 2, 0.1, True),
        ("lost", 9, 1, 0.3, False), ("lost", 9, 2, 0.2, False),
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["query", "place", "rank", "score", "right"]).assign(trial=0)
    found = neighbours.worst_first(frame, 3)
    assert [part["query"].iloc[0] for part in found] == ["lost", "far", "near"]
    assert all(list(part["rank"]) == [1, 2] for part in found)


def test_of_many_queries_the_same_few_are_kept_whatever_the_method(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "MOST_QUERIES", 5)
    kept = [set(neighbours.look(_trial([place // 2 for place in range(20)], seed))["query"]) for seed in (1, 2)]
    assert kept[0] == kept[1]
    assert len(kept[0]) == 5


def test_what_is_written_again_takes_the_place_of_the_same_evaluation(tmp_path: Path) -> None:
    frame = neighbours.look(_trial([0, 0, 1, 1], 0)).assign(trial=0, query_chain="c", gallery_chain="c")
    neighbours.write(tmp_path, [frame.assign(evaluation="a")])
    neighbours.write(tmp_path, [frame.assign(evaluation="b")])
    neighbours.write(tmp_path, [frame.assign(evaluation="a")])
    assert neighbours.read(tmp_path)["evaluation"].value_counts().to_dict() == {"a": len(frame), "b": len(frame)}
    assert neighbours.read(tmp_path / "nowhere").empty


def test_a_map_has_whole_subjects_with_several_scans() -> None:
    subjects = [f"s{place // 3}" for place in range(30)] + ["alone"]
    table = ScanTable(pd.DataFrame({"scan": [f"x{place}" for place in range(31)], "subject": subjects}))
    chosen = table.subjects[mapped(table, 10)]
    assert len(chosen) == 9
    assert all(list(chosen).count(subject) == 3 for subject in chosen)
    assert len(mapped(table, 1000)) == 30
    shuffled = table.select(np.random.default_rng(0).permutation(31))
    assert set(shuffled.subjects[mapped(shuffled, 10)]) == set(chosen)


def test_a_picture_keeps_its_proportions_and_a_volume_lies_with_its_front_up() -> None:
    from io import BytesIO

    from PIL import Image

    width, height, jpeg = picture(np.random.default_rng(0).normal(size=(1, 20, 40)), (1.0, 1.0))
    assert (width, height) == (SIZE, SIZE // 2)
    assert Image.open(BytesIO(jpeg)).size == (width, height)
    assert picture(np.zeros((1, 20, 20)), (2.0, 1.0))[:2] == (SIZE // 2, SIZE)
    volume = np.zeros((1, 16, 32, 9))
    volume[:, :, 24:] = 1.0  # J rises to the front
    width, height, jpeg = picture(volume, (1.0, 1.0, 1.0))
    shown = np.asarray(Image.open(BytesIO(jpeg)))
    assert (width, height) == (SIZE // 2, SIZE)
    assert shown[:20].mean() > 200
    assert shown[-20:].mean() < 50


def test_around_a_head_that_was_normalised_within_its_mask_it_is_black() -> None:
    from io import BytesIO

    from PIL import Image

    plane = np.zeros((1, 32, 32))
    plane[0, 8:24, 8:24] = np.random.default_rng(0).normal(size=(16, 16))
    shown = np.asarray(Image.open(BytesIO(picture(plane, (1.0, 1.0))[2])))
    assert shown[:12].mean() < 15
    negative = 255.0 - np.abs(plane) * 50  # a white surround is what the method saw, and stays
    assert np.asarray(Image.open(BytesIO(picture(negative, (1.0, 1.0))[2])))[:12].mean() > 230
