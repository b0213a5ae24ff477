from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from mlfp_plugins.evaluators.verification import Verification
from sklearn.metrics import roc_auc_score

from mlfp.errors import ParameterError
from mlfp.evaluation.similarity import VectorSimilarity
from mlfp.types.exhibit import Curve, Histogram
from mlfp.types.scan_table import ScanTable
from mlfp.types.trial import Trial


def trial(subjects: int, scans: int = 3, *, seed: int = 0, noise: float = 1.5, **columns: np.ndarray) -> Trial:
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(subjects), scans)
    vectors = (rng.normal(size=(subjects, 16))[labels] + noise * rng.normal(size=(len(labels), 16))).astype(np.float32)
    frame = {"scan": [f"s{place}" for place in range(len(labels))], "subject": labels.astype(str)}
    table = ScanTable(pd.DataFrame({**frame, **{name: values[labels] for name, values in columns.items()}}))
    return Trial(table, table, VectorSimilarity(vectors, vectors))


def test_it_equals_scikit_learn_over_all_pairs() -> None:
    given = trial(40)
    found = Verification()(given)
    everyone = np.arange(120)
    scores, subjects = given.similarity.block(everyone, everyone), given.queries.subjects
    upper = np.triu_indices(120, 1)
    same = (subjects[:, None] == subjects)[upper]
    assert found["roc_auc"].value == pytest.approx(roc_auc_score(same, scores[upper]), abs=1e-6)
    assert found["roc_auc"].n == 120
    others = np.sort(scores[upper][~same])[::-1]
    threshold = others[int(0.01 * len(others))]
    assert found["tar_at_fmr_1e-2"].value == pytest.approx((scores[upper][same] > threshold).mean())


def test_a_rate_that_the_pairs_cannot_support_is_refused() -> None:
    found = Verification()(trial(40))
    assert [name for name in found if name.startswith("tar")] == ["tar_at_fmr_1e-1", "tar_at_fmr_1e-2"]
    assert found.notes == (
        "tar_at_fmr_1e-3 needs 10,000 pairs of different subjects, and there are 7,020",
        "tar_at_fmr_1e-4 needs 100,000 pairs of different subjects, and there are 7,020",
    )
    curve = found.exhibits["det"]
    assert isinstance(curve, Curve)
    (line,) = curve.lines
    assert np.isnan(line.y[line.x < 1e-3]).all()
    assert np.isfinite(line.y[line.x > 2e-3]).all()


def test_impostors_are_matched_where_age_and_sex_are_known() -> None:
    """Impostors of one sex lie together: matched ones are harder."""
    rng = np.random.default_rng(0)
    sex, age = np.array(["F", "M"])[np.arange(60) % 2], rng.integers(40, 60, 60).astype(str)
    given = trial(60, sex=sex, age=age)
    vectors = np.random.default_rng(1).normal(size=(180, 16)).astype(np.float32)
    labels = given.queries.subjects.astype(int)
    vectors += np.random.default_rng(2).normal(size=(60, 16)).astype(np.float32)[labels]
    vectors[:, 0] += np.where(labels % 2, 4, -4)
    found = Verification()(Trial(given.queries, given.gallery, VectorSimilarity(vectors, vectors)))
    assert found["roc_auc_matched"].value < found["roc_auc"].value - 0.03
    curve, histogram = found.exhibits["det"], found.exhibits["scores"]
    assert isinstance(curve, Curve)
    assert [line.name for line in curve.lines] == ["all", "same sex and age"]
    assert isinstance(histogram, Histogram)
    assert [group.shares.sum() for group in histogram.groups] == pytest.approx([1, 1])
    assert histogram.groups[0].n == 180


def test_nobody_to_match_is_said() -> None:
    found = Verification()(trial(20, sex=np.array([f"sex {n}" for n in range(20)])))
    assert "roc_auc_matched" not in found
    assert found.notes[-1] == "no two subjects agree in sex, so no impostors are matched"


def test_rates_lie_between_0_and_1() -> None:
    with pytest.raises(ParameterError, match="between 0 and 1"):
        Verification(fmr=(1.0,))(trial(5))


def test_drawn_pairs_give_what_all_give() -> None:
    given = trial(300, 2)
    whole, drawn = Verification()(given), Verification(most=60_000)(given)
    assert drawn["roc_auc"].value == pytest.approx(whole["roc_auc"].value, abs=0.01)
    assert drawn["eer"].value == pytest.approx(whole["eer"].value, abs=0.01)


@pytest.mark.slow
def test_intervals_cover_the_truth_at_the_stated_rate() -> None:
    """60 subjects at a time of a population whose figures are known from 3000: near 95 of 100 intervals hold them."""
    truth = Verification(fmr=(0.1,), most=1 << 22)(trial(3000, seed=999))
    held = dict.fromkeys(("roc_auc", "eer", "tar_at_fmr_1e-1"), 0)
    for seed in range(200):
        found = Verification(fmr=(0.1,))(trial(60, seed=seed))
        for name in held:
            held[name] += found[name].low <= truth[name].value <= found[name].high
    assert all(0.90 * 200 <= count <= 0.99 * 200 for count in held.values()), held
