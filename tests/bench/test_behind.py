"""Evaluations that look behind the fingerprints: scans are made anew, and looked at by other scorers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlfp.bench import engine
from mlfp.bench.results import BenchResult, Row
from mlfp.types.exhibit import Curve, Panel

NOISE = {"use": "robustness", "kinds": ["noise"], "amounts": {"noise": [60.0]}}
EVALUATE = [
    {"use": "robustness", "kinds": ["rotation", "noise"], "amounts": {"rotation": [90.0], "noise": [0.5, 60.0]}},
    {**NOISE, "name": "asked", "query": {"modality": "A"}},
    "shortcuts",
    "cost",
    "verification",
    {"use": "fairness", "by": ["modality"]},
    "cross-modal",
]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("behind")


def measured(comparison: dict[str, Any], shared: Path, label: str) -> Row:
    result: BenchResult = engine.bench(
        {**comparison, "seeds": [0], "evaluate": EVALUATE, "rank_by": "robustness.hit_at_1"},
        out=shared / label,
        only=label,
    )
    assert not result.failures
    (row,) = result.rows
    return row


def test_a_scorer_asks_with_disturbed_scans(comparison: dict[str, Any], shared: Path) -> None:
    row = measured(comparison, shared, "correlation")
    value = {name: item.value for name, item in row.metrics.items()}
    assert value["robustness.noise[60]"] < value["robustness.noise[0.5]"] <= value["robustness.hit_at_1"]
    assert value["robustness.rotation[90]"] < value["robustness.hit_at_1"]
    shown = row.exhibits["robustness.noise"]
    assert isinstance(shown, Curve)
    np.testing.assert_allclose(
        shown.lines[0].y,
        [value["robustness.hit_at_1"], value["robustness.noise[0.5]"], value["robustness.noise[60]"]],
        rtol=1e-5,
    )
    assert row.metrics["asked.noise[60]"].n < row.metrics["robustness.noise[60]"].n
    assert "shortcuts.hit_at_1_outline_only" in value
    assert isinstance(row.exhibits["shortcuts.panel"], Panel)
    assert value["cost.images_per_second"] > 0
    assert "cost.bytes_per_scan" not in value
    assert "verification.roc_auc" in value
    assert "cross-modal.hit_at_1[A>B]" in value


def test_a_model_that_is_given_noise_loses_subjects(comparison: dict[str, Any], shared: Path) -> None:
    row = measured(comparison, shared, "untrained")
    assert row.metrics["robustness.noise[60]"].value < row.metrics["robustness.hit_at_1"].value
    assert row.metrics["cost.bytes_per_scan"].value == 4 * 16
