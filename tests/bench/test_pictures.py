from __future__ import annotations

import numpy as np

from mlfp.bench.pictures import grey


def test_the_air_is_black_and_tissue_of_the_same_value_is_not() -> None:
    head = np.zeros((20, 20))
    head[5:15, 5:15] = np.linspace(-1, 1, 100).reshape(10, 10)
    head[10, 10] = 0.0  # as the air
    shown = grey(head)
    assert (shown[:4] == 0).all()
    assert 0.3 < shown[10, 10] < 0.7
    assert shown.min() == 0
    assert shown.max() == 1


def test_a_volume_is_shown_as_a_slice_is() -> None:
    volume = np.zeros((12, 12, 12))
    volume[3:9, 3:9, 3:9] = np.random.default_rng(0).normal(size=(6, 6, 6))
    shown = grey(volume)
    assert shown.shape == volume.shape
    assert (shown[0] == 0).all()
