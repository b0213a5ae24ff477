from __future__ import annotations

import numpy as np
import pytest
from mlfp_plugins.preprocessors.cut import Cut
from mlfp_plugins.preprocessors.disturb import negated
from mlfp_plugins.preprocessors.move import Move

from mlfp.errors import ParameterError, ScanError
from mlfp.types.volume import Volume


def box(spacing: float = 2.0, name: str = "s") -> Volume:
    """A box from 20 to 79 mm along every axis, brighter towards the front, in air at -1."""
    size = int(100 / spacing)
    data = np.full((1, size, size, size), -1.0, np.float32)
    inside = slice(int(20 / spacing), int(80 / spacing))
    data[0, inside, inside, inside] = 5 + np.arange(size)[inside][:, None] / size
    return Volume(data, np.diag([spacing] * 3 + [1.0]), scan=name)


@pytest.mark.parametrize("spacing", [1.0, 2.0])
def test_what_is_left_reaches_as_far_below_the_middle_as_was_said(spacing):
    cut = Cut(below=20.0)(box(spacing)).data[0]
    filled = np.flatnonzero((cut > 0).any(axis=(0, 1))) * spacing
    assert filled[0] == pytest.approx(50 - 20, abs=spacing)
    assert filled[-1] == pytest.approx(80 - spacing, abs=1e-6)
    assert set(np.unique(cut[:, :, : int(28 / spacing)])) == {-1.0}


def test_a_cut_far_below_changes_nothing():
    np.testing.assert_array_equal(Cut(below=60.0)(box()).data, box().data)


def test_an_empty_scan_and_no_distance_are_refused():
    with pytest.raises(ScanError, match="nothing"):
        Cut()(Volume(np.zeros((1, 8, 8, 8), np.float32), np.eye(4)))
    with pytest.raises(ParameterError, match="mm"):
        Cut(below=float("nan"))


def test_a_share_of_moved_scans_is_inverted_and_lies_where_it_would():
    names = [f"scan {number}" for number in range(40)]
    inverted = 0
    for name in names:
        plain = Move(rotate=10, shift=5, scale=0.05)(box(name=name)).data
        found = Move(rotate=10, shift=5, scale=0.05, negative=0.5)(box(name=name)).data
        if not np.array_equal(found, plain):
            np.testing.assert_allclose(found, negated(plain), atol=1e-5)
            inverted += 1
    assert 10 < inverted < 30


def test_the_share_is_from_0_to_1():
    with pytest.raises(ParameterError, match="share"):
        Move(negative=1.5)
