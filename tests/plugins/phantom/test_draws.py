"""What relatives share."""

from __future__ import annotations

import numpy as np
import pytest
from mlfp_plugins.phantom.draws import Draws


@pytest.mark.parametrize("shared", [0.0, 0.3, 0.8])
def test_relatives_correlate_by_the_share(shared: float) -> None:
    one, other = (Draws((0, "person", person), (0, "family"), shared).normal("field", (200, 200)) for person in (1, 2))
    assert np.corrcoef(one.ravel(), other.ravel())[0, 1] == pytest.approx(shared, abs=0.03)
    assert one.std() == pytest.approx(1, abs=0.02)


def test_uniform_covers_its_range_evenly() -> None:
    values = np.array([Draws((person,)).uniform("age", 50, 80) for person in range(1000)])
    assert values.min() > 50
    assert values.max() < 80
    assert np.histogram(values, bins=5, range=(50, 80))[0] == pytest.approx(np.full(5, 200), abs=50)
