"""What gains mean in a search: as wide as chance is there, whoever else is in it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlfp.leaks import gains, prior
from mlfp.leaks.calibration import Calibration, Curve, kept, probability


def _unlike(count: int, seed: int, width: float = 1.0) -> np.ndarray:
    """Skewed, as gains are: half as far below nothing as above."""
    drawn = np.random.default_rng(seed).laplace(0, 1, size=count)
    return width * np.where(drawn < 0, drawn, 2 * drawn)


def _alike(count: int, seed: int, width: float = 1.0) -> np.ndarray:
    """A quarter does not fit and gains by chance, the others gain more or less."""
    generator = np.random.default_rng(seed)
    fits = generator.uniform(10, 60, size=count)
    return np.where(generator.random(count) < 0.25, _unlike(count, seed + 1), fits) * width


def _calibration(width: float) -> Calibration:
    unlike, usual = gains.pooled([_unlike(300, 1, width), _unlike(300, 2, 3 * width)])
    return Calibration(
        Curve((0.0, 1.0), (0.0, 0.0)), 0, 0, 0, (), (), verified_alike=kept(_alike(400, 3, width)),
        verified_unlike=kept(unlike), verified_width=usual,
    )  # fmt: skip


@pytest.mark.parametrize("true", [10, 60])
@pytest.mark.parametrize("width", [0.5, 1.0, 1.5])
def test_false_pairs_come_as_expected_however_wide_chance_is_and_however_many_are_true(width: float, true: int) -> None:
    """Of several searches together, as each has few."""
    expected, sure, right = 0.0, np.zeros(2), 0
    for seed in range(8):
        seen = np.concatenate([_alike(true, seed + 10, 0.001 * width), _unlike(400, seed + 100, 0.001 * width)])
        evidence = gains.curve(_calibration(0.001), seen).evidence(seen)
        p_same = probability(evidence, prior.estimate(evidence, len(seen)))
        wrong, found = np.arange(len(seen)) >= true, p_same >= 0.5
        loose = p_same >= np.sort(p_same[wrong])[-20]
        expected += float((1 - p_same[loose]).sum())
        sure += [int((found & wrong).sum()), float((1 - p_same[found]).sum())]
        right += int((found & ~wrong).sum())
    assert 80 <= expected <= 320, "160 are let through"
    assert sure[0] <= 8 + 2 * sure[1]
    assert right >= 0.6 * 8 * true


@settings(deadline=None, max_examples=20)
@given(true=st.integers(0, 300), usual=st.floats(1e-4, 1e-2))
def test_pairs_of_one_person_do_not_change_the_width(true: int, usual: float) -> None:
    false = _unlike(200, 0)
    with_true = np.concatenate([false, np.abs(_alike(true, 4))])
    assert gains.width(with_true, usual) == gains.width(false, usual)


def test_few_negative_gains_say_little() -> None:
    assert gains.width(np.array([0.1, 0.2]), 0.01) == 0.01
    assert gains.width(np.array([-0.02]), 0.01) == pytest.approx(0.01 * 2 ** (1 / 11))
    assert gains.width(np.full(990, -0.02), 0.01) == pytest.approx(0.02, rel=0.01)


def test_each_data_set_counts_in_its_own_widths() -> None:
    one = _unlike(2000, 5)
    found, usual = gains.pooled([one, 4 * one])
    assert np.allclose(found[:2000], found[2000:], rtol=0.02)
    assert usual == pytest.approx(np.median(-np.concatenate([one, 4 * one])[np.concatenate([one, one]) < 0]))
