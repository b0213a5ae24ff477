from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from sklearn.metrics import roc_auc_score, roc_curve

from mlfp.evaluation import roc
from mlfp.evaluation.roc import rate_text, supported


def scores(seed: int, *, levels: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """With few levels ties abound."""
    rng = np.random.default_rng(seed)
    mated, others = rng.normal(1.2, 1, 150), rng.normal(0, 1, 900)
    if levels:
        mated, others = np.round(mated * levels), np.round(others * levels)
    return mated.astype(np.float32), others.astype(np.float32)


@pytest.mark.parametrize("levels", [None, 1, 3])
@pytest.mark.parametrize("seed", range(3))
def test_it_equals_scikit_learn(seed: int, levels: int | None) -> None:
    mated, others = scores(seed, levels=levels)
    truth = np.r_[np.ones(len(mated)), np.zeros(len(others))]
    both = np.r_[mated, others]
    found = roc.roc(mated, others)
    assert found.auc() == pytest.approx(roc_auc_score(truth, both))
    fmr, tar, _ = roc_curve(truth, both, drop_intermediate=False)
    assert found.eer() == pytest.approx(brentq(lambda x: 1 - x - interp1d(fmr, tar)(x), 0, 1), abs=1e-9)
    for rate in (0.5, 0.1, 0.01, 0.002):
        assert found.tar_at(np.array([rate]))[0] == pytest.approx(tar[fmr <= rate].max())


def test_rates_worked_by_hand() -> None:
    """Mated at 4, 3 and 1; others at 2, 2, 0 and 0. A threshold above 2 accepts 2 of 3 and none of the others."""
    found = roc.roc(np.array([4.0, 3.0, 1.0]), np.array([2.0, 2.0, 0.0, 0.0]))
    assert found.tar_at(np.array([0.0, 0.49, 0.5, 1.0])) == pytest.approx([2 / 3, 2 / 3, 1, 1])
    assert found.auc() == pytest.approx((4 + 4 + 2) / 12)
    # Between accepting 2 of 3 with FMR 0 and FMR 1/2, the two rates meet at 1/3.
    assert found.eer() == pytest.approx(1 / 3)


def test_telling_them_apart_without_error() -> None:
    found = roc.roc(np.array([3.0, 2.0]), np.array([1.0, 0.0]))
    assert (found.auc(), found.eer(), found.tar_at(np.array([1e-4]))[0]) == (1, 0, 1)


def test_a_rate_needs_ten_errors() -> None:
    assert supported(np.array([1e-1, 1e-2, 1e-3]), 1000).tolist() == [True, True, False]


def test_rates_are_named_alike() -> None:
    assert [rate_text(rate) for rate in (0.1, 1e-4, 0.005, 0.025)] == ["1e-1", "1e-4", "5e-3", "2_5e-2"]
