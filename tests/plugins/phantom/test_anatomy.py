"""Subjects, and what makes them alike or not."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from mlfp_plugins.phantom.anatomy import TISSUES, anatomy, tissue_maps
from mlfp_plugins.phantom.settings import LEVELS, LevelName, Settings

COARSE = Settings(spacing=4.0)


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def test_tissue_maps_are_shares() -> None:
    maps = tissue_maps(COARSE, 0, 0.0)
    assert maps.shape == (len(TISSUES), 40, 48, 40)
    assert maps.min() >= 0
    assert maps.sum(axis=0).max() <= 1 + 1e-4


def test_ventricles_grow_and_cortex_shrinks_with_the_years() -> None:
    for subject in range(3):
        young, old = (tissue_maps(COARSE, subject, years).sum(axis=(1, 2, 3)) for years in (0.0, 8.0))
        assert old[TISSUES.index("ventricle")] > 1.1 * young[TISSUES.index("ventricle")]
        assert old[TISSUES.index("grey")] < young[TISSUES.index("grey")]
        assert old[TISSUES.index("fluid")] > young[TISSUES.index("fluid")]


def test_twins_share_their_fields_and_others_do_not() -> None:
    twins = Settings(spacing=4.0, mode="twin")
    shapes = [anatomy(twins, subject).velocity for subject in range(4)]
    assert correlation(shapes[0], shapes[1]) == pytest.approx(twins.kinship, abs=0.1)
    assert correlation(shapes[2], shapes[3]) == pytest.approx(twins.kinship, abs=0.1)
    assert abs(correlation(shapes[1], shapes[2])) < 0.3
    gyri = [anatomy(twins, subject).gyri for subject in range(3)]
    assert correlation(gyri[0], gyri[1]) > correlation(gyri[1], gyri[2]) + 0.3


def test_strangers_share_the_populations_folds_by_the_angle() -> None:
    gyri = [anatomy(COARSE, subject).gyri for subject in range(2)]
    shared = np.cos(np.deg2rad(LEVELS[COARSE.level].own)) ** 2
    assert correlation(*gyri) == pytest.approx(shared, abs=0.1)


def test_harder_levels_move_the_surface_less() -> None:
    surface = [
        np.abs(anatomy(Settings(spacing=4.0, level=level), 0).velocity[:, :, :, -1]).mean()
        for level in get_args(LevelName)
    ]
    assert surface == sorted(surface, reverse=True)
