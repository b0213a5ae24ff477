from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from mlfp_plugins.evaluators.accuracy_calculator import AccuracyCalculator
from mlfp_plugins.evaluators.retrieval import Retrieval

from mlfp.errors import ParameterError, UsageError
from mlfp.evaluation.similarity import VectorSimilarity
from mlfp.types.scan_table import ScanTable
from mlfp.types.trial import Trial

#: Their names, and those of ``retrieval``.
NAMES = {"precision_at_1": "precision_at_1", "r_precision": "r_precision", "mean_average_precision_at_r": "map_at_r"}


def people(labels: np.ndarray, prefix: str = "scan") -> ScanTable:
    scans = [f"{prefix}-{place}" for place in range(len(labels))]
    return ScanTable(pd.DataFrame({"scan": scans, "subject": labels.astype(str)}))


def crowd(seed: int, scans: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels with lone ones among them, and vectors that tell a little."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 40, scans)
    means = np.random.default_rng(0).normal(size=(40, 8))
    return labels, (means[labels] + 1.5 * rng.normal(size=(scans, 8))).astype(np.float32)


@pytest.mark.parametrize("distance", ["cosine", "l2"])
@pytest.mark.parametrize("leave_one_out", [True, False])
def test_it_says_what_retrieval_says_with_the_same_interval(distance: str, leave_one_out: bool) -> None:
    labels, vectors = crowd(1, 100)
    queries = gallery = people(labels)
    answering = vectors
    if not leave_one_out:
        others, answering = crowd(2, 90)
        gallery = people(others, "other")
    similarity = VectorSimilarity(vectors, answering, distance)
    trial = Trial(
        queries, gallery, similarity, query_vectors=vectors, gallery_vectors=answering, distance=distance, seed=3
    )
    theirs, ours = AccuracyCalculator()(trial), Retrieval()(trial)
    for name, own in NAMES.items():
        assert theirs[name].value == pytest.approx(ours[own].value, abs=1e-9)
        assert (theirs[name].low, theirs[name].high) == pytest.approx((ours[own].low, ours[own].high), abs=1e-9)
        assert theirs[name].n == ours[own].n


def test_nothing_to_find_gives_no_number() -> None:
    table, vectors = people(np.arange(4)), np.eye(4, dtype=np.float32)
    trial = Trial(table, table, VectorSimilarity(vectors, vectors), query_vectors=vectors, gallery_vectors=vectors)
    found = AccuracyCalculator()(trial)
    assert np.isnan(found["precision_at_1"].value)
    assert found["precision_at_1"].n == 0


def test_what_it_cannot_do_is_said() -> None:
    table, vectors = people(np.zeros(4)), np.eye(4, dtype=np.float32)
    similarity = VectorSimilarity(vectors, vectors)

    def trial(queries: ScanTable, asking: np.ndarray, ignore: tuple[str, ...] = ()) -> Trial:
        return Trial(queries, table, similarity, ignore, query_vectors=asking, gallery_vectors=vectors)

    with pytest.raises(ParameterError, match="nothing to calculate"):
        AccuracyCalculator(include=())(trial(table, vectors))
    with pytest.raises(UsageError, match="ignore"):
        AccuracyCalculator()(trial(table, vectors, ignore=("subject",)))
    with pytest.raises(UsageError, match="2 scans are both"):
        AccuracyCalculator()(trial(table.select(np.arange(2)), vectors[:2]))
    with pytest.raises(UsageError, match="moved"):
        AccuracyCalculator()(trial(table, vectors + 1))
