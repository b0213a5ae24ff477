"""Validation by retrieval, and when it ends a training."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mlfp.training.validation import Watch, can_validate, map_at_r
from mlfp.types.scan_table import ScanTable


def table(subjects: str) -> ScanTable:
    return ScanTable(pd.DataFrame({"scan": [str(place) for place in range(len(subjects))], "subject": list(subjects)}))


def test_a_case_worked_by_hand() -> None:
    # On a line: a at 0 and 1, b at 1.4, a at 3, and c alone at 9. The nearest two of each a, in order of distance:
    # 0 -> a(1), b: (1/1 + 0) / 2; 1 -> b, a(0): (0 + 1/2) / 2; 3 -> b, a(1): (0 + 1/2) / 2. b and c are lone.
    vectors = np.array([[0], [1], [1.4], [3], [9]], dtype=np.float32)
    assert map_at_r(table("aabac"), vectors, "l2") == pytest.approx((0.5 + 0.25 + 0.25) / 3)


@pytest.mark.parametrize(("subjects", "expected"), [("", False), ("abc", False), ("abca", True)])
def test_validation_needs_two_scans_of_someone(subjects: str, expected: bool) -> None:
    assert can_validate(table(subjects)) is expected


def test_the_watch_keeps_the_first_of_equals_and_counts() -> None:
    watch = Watch(patience=2, min_delta=0.1)
    told = [watch.better(value, epoch) for epoch, value in enumerate([0.5, 0.55, 0.65, 0.65, 0.7], start=1)]
    assert told == [True, False, True, False, False]
    assert (watch.best, watch.best_epoch, watch.over) == (0.65, 3, True)
    assert not Watch(None, 0.0, since=99).over
