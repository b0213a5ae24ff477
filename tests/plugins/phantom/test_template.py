"""The template: tissues that add up, in the right places."""

from __future__ import annotations

import numpy as np
import pytest
from mlfp_plugins.phantom.grid import Grid
from mlfp_plugins.phantom.template import Template, template

GRID = Grid(4.0)


@pytest.fixture(scope="module")
def brain() -> Template:
    return template(GRID)


def at(values: np.ndarray, *mm: float) -> float:
    i, j, k, _ = np.rint(np.linalg.inv(GRID.affine) @ [*mm, 1]).astype(int)
    return float(values[i, j, k])


def test_tissues_add_up_to_the_brain(brain: Template) -> None:
    tissues = np.stack([brain.fluid, brain.grey, brain.white, brain.deep, brain.ventricle])
    assert tissues.min() >= 0
    np.testing.assert_allclose(tissues.sum(axis=0), brain.brain, atol=1e-5)


def test_places_in_mni_space(brain: Template) -> None:
    assert at(brain.white, 26, -20, 34) > 0.8  # centrum semiovale
    assert at(brain.deep, 14, -18, 8) > 0.4  # thalamus
    assert at(brain.ventricle, 8, 8, 16) + at(brain.ventricle, -8, 8, 16) > 0.5  # frontal horns
    assert at(brain.cerebellum, 24, -64, -36) > 0.9
    assert at(brain.foldable, 24, -64, -36) < 0.1
    assert at(brain.foldable, 40, -30, 52) > 0.9  # parietal cortex
    assert at(brain.brain, 0, -17, 84) < 0.5  # above the head's top


def test_both_sides_are_alike(brain: Template) -> None:
    np.testing.assert_allclose(brain.white, brain.white[::-1], atol=0.02)
