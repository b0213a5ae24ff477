from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from mlfp_plugins.evaluators.retrieval import Retrieval
from PIL import Image
from pytorch_metric_learning.distances import LpDistance
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
from pytorch_metric_learning.utils.inference import CustomKNN

from mlfp.errors import ParameterError
from mlfp.evaluation.similarity import VectorSimilarity
from mlfp.types.scan_table import ScanTable
from mlfp.types.trial import Trial

NAMES = {"precision_at_1": "precision_at_1", "r_precision": "r_precision", "map_at_r": "mean_average_precision_at_r"}


def people(labels: np.ndarray, **columns: list[str]) -> ScanTable:
    scans = [f"scan-{place}" for place in range(len(labels))]
    return ScanTable(pd.DataFrame({"scan": scans, "subject": labels.astype(str), **columns}))


def of_peers(vectors: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """PML's figures: on unit vectors L2 ranks as the cosine does. Its kmeans is not asked for."""
    unit = torch.nn.functional.normalize(torch.from_numpy(vectors))
    calculator = AccuracyCalculator(
        include=tuple(NAMES.values()),
        k="max_bin_count",
        knn_func=CustomKNN(LpDistance(normalize_embeddings=False)),
        kmeans_func=lambda *_: None,
        device=torch.device("cpu"),
    )
    figures: dict[str, float] = calculator.get_accuracy(unit, torch.from_numpy(labels))
    return figures


@pytest.mark.parametrize("seed", range(3))
def test_it_equals_pytorch_metric_learning(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 60, 200)
    vectors = (rng.normal(size=(60, 16))[labels] + 1.5 * rng.normal(size=(200, 16))).astype(np.float32)
    table = people(labels)
    found = Retrieval()(Trial(table, table, VectorSimilarity(vectors, vectors)))
    peers = of_peers(vectors, labels)
    for ours, theirs in NAMES.items():
        assert found[ours].value == pytest.approx(peers[theirs], abs=1e-6)
    alone = np.isin(labels, np.flatnonzero(np.bincount(labels) == 1)).sum()
    assert found["map_at_r"].n == 200 - alone
    assert found["lone_queries"].value * found["lone_queries"].n == pytest.approx(alone)


def test_ranks_beyond_the_gallery_are_those_of_the_gallery() -> None:
    table, vectors = people(np.array([0, 0, 1, 1])), np.eye(4, dtype=np.float32)
    found = Retrieval(k=(1, 50))(Trial(table, table, VectorSimilarity(vectors, vectors)))
    assert found["hit_at_50"].value == 1


def test_ignored_sessions_neither_count_nor_stand_in_the_way() -> None:
    """On a line: a scan, its mate of the same day at 1, an impostor at 2, its mate of another day at 3."""
    scans = people(np.array([0, 0, 1, 0]), session=["1", "1", "1", "2"])
    vectors = np.array([[0], [1], [2], [3]], dtype=np.float32)
    similarity = VectorSimilarity(vectors, vectors, "l2")
    query = scans.select(np.array([0]))
    anyone = Retrieval(k=(1, 2))(Trial(query, scans, similarity))
    other_day = Retrieval(k=(1, 2))(Trial(query, scans, similarity, ignore=("session",)))
    assert (anyone["hit_at_1"].value, anyone["r_precision"].value) == (1, 0.5)
    assert (other_day["hit_at_1"].value, other_day["hit_at_2"].value, other_day["r_precision"].value) == (0, 1, 0)


def test_map_at_k_bears_its_divisor_in_its_name() -> None:
    labels, places = np.array([0, 0, 0, 1, 1]), np.array([[0], [1], [9], [2.5], [3.5]], dtype=np.float32)
    table = people(labels)
    found = Retrieval(map_k=(3,), map_divisor=("min", "k"))(Trial(table, table, VectorSimilarity(places, places, "l2")))
    # Among their three nearest, the first two find one of two at rank 1, the third at rank 3; the others all at rank 1.
    assert found["map_at_3_min"].value == pytest.approx((1 / 2 + 1 / 2 + 1 / 3 / 2 + 1 + 1) / 5)
    assert found["map_at_3_k"].value == pytest.approx((1 + 1 + 1 / 3 + 1 + 1) / 3 / 5)


def test_nothing_to_find_gives_no_number() -> None:
    table, vectors = people(np.arange(4)), np.eye(4, dtype=np.float32)
    found = Retrieval()(Trial(table, table, VectorSimilarity(vectors, vectors)))
    assert np.isnan(found["map_at_r"].value)
    assert (found["map_at_r"].n, found["lone_queries"].value) == (0, 1)


def test_a_rank_below_one_is_refused() -> None:
    table, vectors = people(np.zeros(2)), np.eye(2, dtype=np.float32)
    with pytest.raises(ParameterError, match="1 or more"):
        Retrieval(k=(0,))(Trial(table, table, VectorSimilarity(vectors, vectors)))


@pytest.mark.real
def test_faces_are_found_by_their_pixels(real_data: Path) -> None:
    """A sanity check on real pictures: the nearest of 400 faces is mostly the same person's."""
    folder = real_data / "faces-orl"
    table = ScanTable(pd.read_csv(folder / "scans.csv", dtype=str))
    pixels = np.stack([np.asarray(Image.open(os.fspath(folder / path))).ravel() for path in table.column("path")])
    vectors = pixels.astype(np.float32) - pixels.mean(axis=1, keepdims=True, dtype=np.float32)
    found = Retrieval()(Trial(table, table, VectorSimilarity(vectors, vectors)))
    assert found["precision_at_1"].value > 0.9
    assert found["precision_at_1"].n == 400
