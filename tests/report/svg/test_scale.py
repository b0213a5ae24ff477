from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mlfp.report.svg.scale import Kind, Scale, around, short

NUMBERS = st.floats(-1e6, 1e6)


@given(low=NUMBERS, high=NUMBERS, most=st.integers(2, 10))
def test_ticks_are_inside_even_and_no_more_than_fit(low: float, high: float, most: int) -> None:
    if not high - low > 1e-3:
        return
    ticks = [value for value, _ in Scale(low, high, 0, 100).ticks(most)]
    room = 1e-9 * max(abs(low), abs(high), 1)
    assert all(low - room <= value <= high + room for value in ticks)
    assert len(ticks) <= most + 1
    assert np.allclose(np.diff(ticks), np.diff(ticks)[:1] if len(ticks) > 1 else 0)


@given(
    values=st.lists(st.floats(1e-5, 0.99), min_size=2, max_size=20), kind=st.sampled_from(["linear", "log", "probit"])
)
def test_larger_values_lie_further_along(values: list[float], kind: Kind) -> None:
    pixels = Scale(1e-5, 0.99, 10, 200, kind)(sorted(values))
    assert (np.diff(pixels) >= -1e-9).all()
    assert pixels[0] >= 10 - 1e-6
    assert pixels[-1] <= 200 + 1e-6


def test_a_probit_axis_is_the_normal_deviate() -> None:
    scale = Scale(1e-4, 0.5, 0, 100, "probit")
    share = np.array([1e-3, 0.01, 0.2])
    low, high = stats.norm.ppf([1e-4, 0.5])
    assert np.allclose(scale(share), (stats.norm.ppf(share) - low) / (high - low) * 100)


def test_what_an_axis_cannot_show_is_no_place() -> None:
    assert np.isnan(Scale(1, 100, 0, 10, "log")([0.0, -1.0])).all()
    assert np.isnan(Scale(0, 1, 0, 10)([math.nan])).all()
    assert Scale(3, 3, 0, 10).at(3) == 0


def test_the_range_of_shares_stays_among_shares() -> None:
    low, high = around([0.02, 0.99])
    assert low >= 0
    assert high == 1
    assert around([]) == (0, 1)
    assert around([math.nan, 5.0])[0] < 5 < around([5.0])[1]
    assert around([2.0, 7.0], zero=True)[0] == 0


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.25, "0.25"), (1e-5, "1e-5"), (1200, "1200"), (25000, "25k"), (3e6, "3M")]
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert short(value) == text
