from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from mlfp_plugins.evaluators.open_set import OpenSet

from mlfp.errors import ParameterError
from mlfp.evaluation.similarity import VectorSimilarity
from mlfp.testing.trials import behind
from mlfp.types.exhibit import Curve
from mlfp.types.scan_table import ScanTable
from mlfp.types.trial import Trial


def trial(places: np.ndarray, labels: np.ndarray, distance: str = "l2") -> Trial:
    frame = pd.DataFrame({"scan": [f"s{place}" for place in range(len(labels))], "subject": labels.astype(str)})
    table, vectors = ScanTable(frame), places.astype(np.float32)
    return Trial(table, table, VectorSimilarity(vectors, vectors, distance))


def obvious(given: Trial, rate: float) -> float:
    """Every threshold that a similarity may set, one query at a time."""
    count = len(given.queries)
    scores = given.similarity.block(np.arange(count), np.arange(count)).astype(float)
    np.fill_diagonal(scores, -np.inf)
    same = given.queries.subjects[:, None] == given.queries.subjects
    strangers = np.where(same, -np.inf, scores).max(axis=1)
    mated = np.where(same, scores, -np.inf).max(axis=1)
    asked = np.isfinite(mated)
    best = 0.0
    for threshold in [*np.unique(scores), np.inf]:
        if (strangers >= threshold).mean() <= rate:
            best = max(best, float(((mated > strangers) & (mated >= threshold))[asked].mean()))
    return best


@pytest.mark.parametrize("seed", range(4))
def test_it_equals_looking_at_every_threshold(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 50, 120)
    places = rng.normal(size=(50, 4))[labels] + 0.4 * rng.normal(size=(120, 4))
    found = OpenSet(fpir=(0.3, 0.1))(trial(places, labels))
    for rate, name in ((0.3, "dir_at_fpir_3e-1"), (0.1, "dir_at_fpir_1e-1")):
        estimate = found[name]
        assert estimate.value == pytest.approx(obvious(trial(places, labels), rate))
        assert estimate.low <= estimate.value <= estimate.high
        assert estimate.n == (np.bincount(labels)[labels] > 1).sum()


def test_worked_by_hand() -> None:
    """Mates lie 1, 1, 1, 1, 3 and 3 apart, strangers 20, 19, 3, 2, 2 and 5; ten copies, far from each other."""
    labels, places = np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 20, 21, 23, 26])
    ten = np.concatenate([places + 1000 * copy for copy in range(10)])[:, None]
    found = OpenSet(fpir=(0.2, 0.5))(trial(ten, np.concatenate([labels + 10 * copy for copy in range(10)])))
    # At 0.2 none of the strangers at 2 may be accepted; at 0.5 those up to 3, and so the mate of the last.
    assert found["dir_at_fpir_2e-1"].value == pytest.approx(4 / 6)
    assert found["dir_at_fpir_5e-1"].value == pytest.approx(5 / 6)


def test_rates_that_the_searches_cannot_support_are_refused() -> None:
    labels = np.repeat(np.arange(100), 2)
    found = OpenSet()(trial(np.random.default_rng(0).normal(size=(200, 3)), labels))
    assert list(found) == ["dir_at_fpir_1e-1"]
    assert found.notes == ("dir_at_fpir_1e-2 needs 1,000 searches, and there are 200",)
    curve = found.exhibits["dir"]
    assert isinstance(curve, Curve)
    assert np.isnan(curve.lines[0].y[curve.lines[0].x < 0.04]).all()


def test_rates_lie_between_0_and_1() -> None:
    with pytest.raises(ParameterError, match="between 0 and 1"):
        OpenSet(fpir=(0.0,))(trial(np.eye(4), np.array([0, 0, 1, 1])))


def test_a_threshold_of_the_validation_side_is_tried_on_the_test_side() -> None:
    rng = np.random.default_rng(0)
    sides = []
    for spread in (0.3, 0.6):  # the test side is harder, and its threshold another
        labels = np.repeat(np.arange(50), 2)
        sides.append(trial(rng.normal(size=(50, 4))[labels] + spread * rng.normal(size=(100, 4)), labels))
    chosen_on, given = sides
    found = OpenSet(fpir=(0.2, 0.01))(behind(given, chosen_on=chosen_on))
    assert "dir_val_threshold_1e-2 needs 1,000 searches on the validation side, and there are 100" in found.notes

    def searched(side: Trial) -> tuple[np.ndarray, np.ndarray]:
        scores = side.similarity.block(np.arange(100), np.arange(100)).astype(float)
        np.fill_diagonal(scores, -np.inf)
        same = side.queries.subjects[:, None] == side.queries.subjects
        return np.where(same, -np.inf, scores).max(axis=1), np.where(same, scores, -np.inf).max(axis=1)

    threshold = np.sort(searched(chosen_on)[0])[::-1][20]  # 20 of 100 strangers lie above it
    strangers, mated = searched(given)
    fpir, rate = found["fpir_val_threshold_2e-1"], found["dir_val_threshold_2e-1"]
    assert fpir.value == pytest.approx((strangers > threshold).mean())
    assert rate.value == pytest.approx(((mated > strangers) & (mated > threshold)).mean())
    for estimate in (fpir, rate):
        assert estimate.low <= estimate.value <= estimate.high
        assert estimate.resamples is not None


def test_without_a_validation_side_nothing_is_said_of_it() -> None:
    labels = np.repeat(np.arange(50), 2)
    found = OpenSet(fpir=(0.2,))(behind(trial(np.random.default_rng(0).normal(size=(100, 3)), labels)))
    assert list(found) == ["dir_at_fpir_2e-1"]
    assert found.notes == ()
