from __future__ import annotations

import numpy as np
import pytest

from mlfp.evaluation import metrics
from mlfp.types.ranking import Ranking


def ranking(relevant: list[list[int]], totals: list[int]) -> Ranking:
    found = np.array(relevant, dtype=bool)
    places = np.tile(np.arange(found.shape[1]), (len(found), 1))
    first = np.where(found.any(axis=1), found.argmax(axis=1) + 1, 0)
    scores = -places.astype(np.float32)
    return Ranking(places, scores, found, np.array(totals), first, -first.astype(np.float32))


def test_values_worked_by_hand() -> None:
    """R = 3: found at 1 and 3 gives AP (1/1 + 2/3) / 3; at 2, (1/2) / 3. R = 1 at 2: nothing. A lone query: 0."""
    toy = ranking([[1, 0, 1, 1], [0, 1, 0, 1], [0, 1, 0, 0], [0, 0, 0, 0]], [3, 3, 1, 0])
    assert metrics.precision_at_1(toy) == pytest.approx([1, 0, 0, 0])
    assert metrics.r_precision(toy) == pytest.approx([2 / 3, 1 / 3, 0, 0])
    assert metrics.map_at_r(toy) == pytest.approx([(1 + 2 / 3) / 3, 1 / 6, 0, 0])
    assert metrics.hit_at_k(toy, 2) == pytest.approx([1, 1, 1, 0])
    assert metrics.reciprocal_rank(toy) == pytest.approx([1, 1 / 2, 1 / 2, 0])


def test_the_four_divisors_worked_by_hand() -> None:
    """k = 3. R = 5, found at 1 and 3: 1/1 + 2/3. R = 1, found at 2: 1/2. R = 2, found at none of the three."""
    toy = ranking([[1, 0, 1, 1], [0, 1, 0, 0], [0, 0, 0, 1]], [5, 1, 2])
    total = 1 + 2 / 3
    assert metrics.map_at_k(toy, 3, "k") == pytest.approx([total / 3, 0.5 / 3, 0])
    assert metrics.map_at_k(toy, 3, "min") == pytest.approx([total / 3, 0.5, 0])
    assert metrics.map_at_k(toy, 3, "relevant") == pytest.approx([total / 5, 0.5, 0])
    assert metrics.map_at_k(toy, 3, "hits") == pytest.approx([total / 2, 0.5, 0])


def test_r_metrics_refuse_too_short_a_ranking() -> None:
    with pytest.raises(ValueError, match="need the 3 nearest, but only 2"):
        metrics.map_at_r(ranking([[1, 0]], [3]))
