from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from mlfp_plugins.preprocessors.disturb import Disturb, Kind
from mlfp_plugins.preprocessors.outline_only import OutlineOnly

from mlfp.data.masks import foreground
from mlfp.errors import ParameterError
from mlfp.types.volume import Volume


def scan(spacing: float = 2.0, name: str = "s") -> Volume:
    """A ball of 32 mm radius with a gradient, a dark and a bright half, in air at 0."""
    axes = np.meshgrid(*(spacing * (np.arange(48 / spacing * 2) - 47.5 / spacing) for _ in range(3)), indexing="ij")
    radius = np.sqrt(sum(axis**2 for axis in axes))
    values = np.where(radius < 32, 1 + (axes[0] > 0) + 0.01 * axes[1], 0.0)
    return Volume(values[None].astype(np.float32), np.diag([spacing] * 3 + [1.0]), scan=name)


@pytest.mark.parametrize("kind", get_args(Kind))
def test_more_changes_more_and_nothing_changes_nothing(kind: Kind) -> None:
    given = scan()
    assert Disturb(kind=kind, amount=0)(given) is given
    scales = {"blur": 4, "resolution": 10, "edge": 4}.get(kind, 1)
    little, much = (Disturb(kind=kind, amount=share * scales)(given).data for share in (0.25, 1.0))
    off = [np.abs(found - given.data).mean() for found in (little, much)]
    assert off[1] > 1e-4
    assert off[1] > off[0]
    assert little.dtype == np.float32
    np.testing.assert_array_equal(much, Disturb(kind=kind, amount=scales)(given).data)


@pytest.mark.parametrize("kind", ["noise", "bias", "negative", "gamma", "crop", "edge"])
def test_air_stays_air(kind: Kind) -> None:
    given = scan()
    outside = ~foreground(given.data)
    assert not Disturb(kind=kind, amount=0.5)(given).data[0][outside].any()


def test_the_negative_swaps_the_ends_of_the_tissue() -> None:
    given = scan()
    inside = foreground(given.data)
    tissue, found = given.data[0][inside], Disturb(kind="negative", amount=1)(given).data[0][inside]
    np.testing.assert_allclose(found, tissue.min() + tissue.max() - tissue, rtol=1e-5)


def test_noise_is_counted_in_deviations_of_the_tissue() -> None:
    given = scan()
    inside = foreground(given.data)
    added = (Disturb(kind="noise", amount=0.5)(given).data - given.data)[0][inside]
    assert added.std() == pytest.approx(0.5 * given.data[0][inside].std(), rel=0.05)


def test_a_cut_takes_as_many_mm_on_average_whatever_the_voxels() -> None:
    for spacing in (2.0, 3.0):
        given = scan(spacing)
        before, after = (foreground(item.data).sum() for item in (given, Disturb(kind="edge", amount=4)(given)))
        lost = 32 - 32 * (after / before) ** (1 / 3)
        assert 1.5 < lost < 7


def test_slices_are_as_thick_as_asked() -> None:
    data = Disturb(kind="resolution", amount=8)(scan()).data[0]
    steps = [np.abs(np.diff(data, axis=axis)).reshape(-1) for axis in range(3)]
    still = [
        float((np.abs(np.diff(data, axis=axis)).max(axis=tuple({0, 1, 2} - {axis})) == 0).mean()) for axis in range(3)
    ]
    assert len(steps) == 3
    assert max(still) > 0.6  # along one axis three steps of four are none


def test_amounts_have_limits() -> None:
    with pytest.raises(ParameterError, match="from 0 to 1"):
        Disturb(kind="crop", amount=1.5)
    with pytest.raises(ParameterError, match="not below 0"):
        Disturb(kind="noise", amount=-1)


def test_an_outline_is_flat_inside_and_out() -> None:
    given = scan()
    found = OutlineOnly()(given).data
    assert len(np.unique(found)) == 2
    np.testing.assert_array_equal(foreground(found), foreground(given.data))


def test_an_outline_without_air_or_without_tissue_is_left_alone() -> None:
    flat = Volume(np.ones((1, 4, 4, 4), np.float32))
    np.testing.assert_array_equal(OutlineOnly()(flat).data, flat.data)
