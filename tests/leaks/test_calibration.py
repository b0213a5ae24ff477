"""Odds: right where pairs are drawn from known distributions, and refused where pairs are too few."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlfp.errors import UsageError
from mlfp.leaks import prior
from mlfp.leaks.calibration import Calibration, fit, fit_curve, probability


def _normal(count: int, mean: float, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, 1, size=count)


@settings(deadline=None, max_examples=4)
@given(apart=st.floats(2, 4), seed=st.integers(0, 99))
def test_evidence_is_the_logarithm_of_the_likelihoods(apart: float, seed: int) -> None:
    """Of two normal distributions of one width it is known: a line of this slope through half way."""
    curve = fit_curve(_normal(5000, apart, seed), _normal(20000, 0, seed + 100))
    places = np.linspace(apart - 1.5, apart + 1, 9)
    seen = places <= 3  # beyond, fewer than 30 of 20,000 pairs of two people are left to learn from
    truth, found = apart * places - apart**2 / 2, curve.evidence(places)
    assert np.abs(found - truth)[seen].max() < 0.6
    assert (np.abs(found - truth)[~seen] < 0.3 * truth[~seen]).all()
    assert (np.diff(curve.values) >= 0).all()


@settings(deadline=None, max_examples=3)
@given(share=st.sampled_from([1e-3, 1e-2]), seed=st.integers(0, 99))
def test_false_pairs_come_as_expected_and_the_share_is_found(share: float, seed: int) -> None:
    """Calibrated on other pairs, at another share: what is reported has as many false pairs as it says."""
    made = fit(_normal(3000, 5, 7), _normal(100_000, 0, 8), subjects=100)
    total = 60_000
    same = round(share * total)
    scores = np.concatenate([_normal(same, 5, seed), _normal(total - same, 0, seed + 1000)])
    evidence = made.curve.evidence(scores)
    found = prior.estimate(evidence, total)
    assert found == pytest.approx(share, rel=0.25)
    p_same = probability(evidence, found)
    loose = p_same > 0.02
    false = int(loose[same:].sum())
    expected = float((1 - p_same[loose]).sum())
    assert false > 10 or share < 0.01
    assert 0.5 * false - 2 * np.sqrt(false + 1) < expected < 2 * false + 2 * np.sqrt(false + 1)


def test_rates_that_pairs_cannot_support_are_refused() -> None:
    different = _normal(50_000, 0, 0)
    made = fit(_normal(500, 5, 1), different, subjects=50)
    assert made.finest_rate == pytest.approx(10 / 50_000)
    threshold = made.threshold_at(1e-3)
    assert (different >= threshold).mean() == pytest.approx(1e-3, abs=4e-5)
    assert made.rate_at(threshold) == pytest.approx(1e-3, rel=0.05)
    assert made.rate_at(99.0) == pytest.approx(1 / 50_000), "never zero"
    with pytest.raises(UsageError, match="cannot be promised") as refused:
        made.threshold_at(1e-6)
    assert "10000000 pairs" in str(refused.value)
    with pytest.raises(UsageError, match="too high"):
        made.threshold_at(0.5)


def test_what_cannot_be_learnt_from() -> None:
    with pytest.raises(UsageError, match="needs 20 pairs"):
        fit(_normal(5, 5, 0), _normal(500, 0, 1), subjects=5)
    with pytest.raises(UsageError, match="no higher"):
        fit(_normal(100, -2, 0), _normal(500, 0, 1), subjects=5)


def test_scores_that_separate_do_not_make_it_certain() -> None:
    curve = fit_curve(np.linspace(5, 6, 30), np.linspace(0, 1, 30), limit=3.4)
    assert np.isfinite(curve.values).all()
    assert curve.evidence(np.array([99.0]))[0] == pytest.approx(3.4)
    assert curve.evidence(np.array([-99.0]))[0] == pytest.approx(-3.4)


def test_it_is_kept_as_json() -> None:
    made = fit(_normal(500, 5, 1), _normal(5000, 0, 0), subjects=50, made_on=("x",))
    assert Calibration.from_json(made.to_json()) == made
    with pytest.raises(UsageError, match="format 9"):
        Calibration.from_json({**made.to_json(), "format": 9})
