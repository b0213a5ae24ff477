from __future__ import annotations

import pytest

from mlfp.evaluation.direction import lower_is_better, merit


@pytest.mark.parametrize(
    ("metric", "lower"),
    [
        ("retrieval.map_at_r", False),
        ("verification.eer", True),
        ("eer", True),
        ("verification.tar_at_fmr_1e-3", False),
        ("fairness.fnmr[sex=F]", True),
        ("fairness.fnmr_gap_sex", True),
        ("clusters.miasd", True),
        ("clusters.miesd", False),
        ("cost.ms_per_query", True),
        ("cost.images_per_second", False),
        ("retrieval.hit_at_1[T1>T2.x]", False),
        ("shortcuts.alarms", True),
    ],
)
def test_errors_costs_and_gaps_are_better_when_lower(metric: str, lower: bool) -> None:
    assert lower_is_better(metric) == lower
    assert merit(metric, 0.3) == (-0.3 if lower else 0.3)
