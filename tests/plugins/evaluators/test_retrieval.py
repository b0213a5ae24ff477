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
from mlfp.types.exhibit import Curve
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


def test_the_curve_and_the_reciprocal_rank_worked_by_hand() -> None:
    """On a line, 0 and 30 are one subject with 25 others between: each finds the other at rank 26."""
    places = np.concatenate([[0.0], 0.5 + np.arange(25), [30.0]]).astype(np.float32)[:, None]
    scans = people(np.array([0, *range(1, 26), 0]))
    query = scans.select(np.array([0]))
    found = Retrieval()(Trial(query, scans, VectorSimilarity(places[:1], places, "l2")))
    assert found["mrr"].value == pytest.approx(1 / 26)
    shown = found.exhibits["cmc"]
    assert isinstance(shown, Curve)
    assert shown.lines[0].x.tolist() == list(range(1, 21))
    assert not shown.lines[0].y.any()
    near = Retrieval()(Trial(query, scans.select(np.array([1, 2, 26])), VectorSimilarity(places[:1], places[:3], "l2")))
    curve = near.exhibits["cmc"]
    assert isinstance(curve, Curve)
    assert curve.lines[0].y.tolist() == [0, 0] + [1] * 18
    assert near["mrr"].value == pytest.approx(1 / 3)


def test_the_curve_is_the_hit_rate_at_every_rank() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 15, 60)
    vectors, table = rng.normal(size=(60, 8)).astype(np.float32), people(labels)
    found = Retrieval(k=tuple(range(1, 21)))(Trial(table, table, VectorSimilarity(vectors, vectors)))
    curve = found.exhibits["cmc"]
    assert isinstance(curve, Curve)
    (line,) = curve.lines
    assert line.low is not None
    assert line.y == pytest.approx([found[f"hit_at_{k}"].value for k in range(1, 21)])
    assert line.low == pytest.approx([found[f"hit_at_{k}"].low for k in range(1, 21)])


def test_lone_queries_are_named() -> None:
    table, vectors = people(np.array([0, 0, 1, 2, 3, 4])), np.eye(6, dtype=np.float32)
    found = Retrieval()(Trial(table, table, VectorSimilarity(vectors, vectors)))
    assert found.notes == ("4 queries have no other scan of their subject to find: scan-2, scan-3, scan-4 and 1 more",)


@pytest.mark.parametrize("ids", [["16777216", "16777217"], ["anna", "Anna"], ["007", "7"], ["1", "1.0"]])
def test_ids_that_float32_or_a_number_would_merge_stay_apart(ids: list[str]) -> None:
    """Each subject's two scans lie together, those of the other far off: merged, a scan would have three to find."""
    table = people(np.array([ids[0], ids[0], ids[1], ids[1]], dtype=object))
    vectors = np.array([[1, 0], [1, 0.1], [0, 1], [0.1, 1]], dtype=np.float32)
    found = Retrieval()(Trial(table, table, VectorSimilarity(vectors, vectors)))
    assert (found["map_at_r"].value, found["map_at_r"].n, found["lone_queries"].value) == (1, 4, 0)


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
