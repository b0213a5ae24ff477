from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from mlfp.fingerprints import store
from mlfp.report.html import maps
from mlfp.types.fingerprints import Fingerprints
from mlfp.types.scan_table import ScanTable


def _fingerprints(subjects: list[int], distance: str, seed: int = 0) -> Fingerprints:
    frame = pd.DataFrame(
        {"scan": [f"x{place}" for place in range(len(subjects))], "subject": [f"s{item}" for item in subjects]}
    )
    vectors = np.random.default_rng(seed).normal(size=(len(subjects), 5)).astype(np.float32)
    return Fingerprints(ScanTable(frame), vectors, "m", distance)


@settings(deadline=None, max_examples=20)
@given(subjects=st.lists(st.integers(0, 3), min_size=3, max_size=12), distance=st.sampled_from(["cosine", "l2"]))
def test_distances_are_those_of_all_pairs(subjects: list[int], distance: str) -> None:
    found = _fingerprints(subjects, distance)
    within, between, said = maps.distances(found)
    slow = cdist(found.vectors, found.vectors, "euclidean" if distance == "l2" else "cosine")
    pairs = [(one, other) for one in range(len(subjects)) for other in range(one)]
    for shown, same in ((within, True), (between, False)):
        wanted = sorted(slow[one, other] for one, other in pairs if (subjects[one] == subjects[other]) == same)
        assert np.allclose(np.sort(shown), wanted, atol=1e-5)
    assert said == ("Euclidean distance" if distance == "l2" else "cosine distance")


def test_places_are_kept_until_the_fingerprints_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = _fingerprints([0, 0, 1, 1, 2, 2, 3, 3], "cosine")
    store.write(tmp_path, first)
    places = maps.places(first, tmp_path)
    assert places.shape == (8, 2)
    assert len(json.loads((tmp_path / maps.FILE).read_text(encoding="utf-8"))["places"]) == 8
    asked: list[int] = []

    def counted(vectors: np.ndarray) -> np.ndarray:
        asked.append(len(vectors))
        return np.zeros((len(vectors), 2))

    monkeypatch.setattr(maps, "_tsne", counted)
    assert np.allclose(maps.places(first, tmp_path), places, atol=1e-3)
    assert asked == []
    second = _fingerprints([0, 0, 1, 1, 2, 2, 3, 3], "cosine", seed=1)
    store.write(tmp_path, second)
    maps.places(second, tmp_path)
    assert asked == [8]


def test_a_few_subjects_are_told_apart_those_with_the_most_scans() -> None:
    subjects = np.array([f"s{place % 20}" for place in range(40)] + ["most"] * 5)
    found = maps.marked(subjects)
    assert len(found) == maps.MARKED
    assert found["most"] == 0
    assert sorted(found.values()) == list(range(maps.MARKED))
