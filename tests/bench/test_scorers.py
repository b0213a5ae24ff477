"""Opponents in a comparison: those that learn, and those that see no pixel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlfp.bench import engine
from mlfp.bench.records import RunFolder
from mlfp.errors import ParameterError

LEARNT = ["nca", "mlkr"]
PLAIN = ["ssim", "mutual-information", "cross-entropy", "histogram", "header-only"]


def test_scorers_of_every_kind_are_measured(comparison: dict[str, Any], tmp_path: Path) -> None:
    told = {"use": "header-only", "columns": ["subject"], "name": "by a column"}
    comparison["compare_with"] = [*({"use": name, "name": f"by {name}"} for name in (*LEARNT, *PLAIN)), told]
    result = engine.bench(comparison, out=tmp_path, only="by *")
    assert not result.failures
    found = {row.label.removeprefix("by "): row.metrics["retrieval.map_at_r"].value for row in result.rows}
    assert found["a column"] == 1
    # All headers are alike: chance.
    assert found["header-only"] < 0.3
    assert found["header-only"] < min(found[name] for name in (*LEARNT, "ssim", "mutual-information"))


def _values(result: Any, row: Any, name: str) -> Any:
    """What an evaluation's ``hit_at_1`` was averaged from."""
    folder = RunFolder(result.folder / "runs" / row.runs[0])
    return folder.estimates(folder.record(), result.evaluations[name])["hit_at_1"].units


def test_a_query_that_is_moved_several_times_counts_once_with_its_mean(
    comparison: dict[str, Any], tmp_path: Path
) -> None:
    move = {"rotate": 30, "shift": 6, "seed": 5}
    single = [
        {"use": "retrieval", "name": f"seed {seed}", "move": {**move, "seed": seed}} for seed in range(5, 8)
    ]  # fmt: skip
    comparison["evaluate"] = [{"use": "retrieval", "name": "three", "move": {**move, "draws": 3}}, *single]
    comparison["compare_with"] = ["correlation", "ssim"]
    del comparison["base"], comparison["grid"]
    result = engine.bench({**comparison, "split": {"val": 0, "test": 1.0}}, out=tmp_path)
    for row in result.rows:
        apart = [_values(result, row, f"seed {seed}") for seed in (5, 6, 7)]
        together = _values(result, row, "three")
        assert list(together.names) == list(apart[0].names), "a query is one unit, for intervals and tests"
        assert together.values == pytest.approx(np.mean([item.values for item in apart], axis=0))
        found = row.metrics["three.hit_at_1"]
        assert found.value == pytest.approx(np.mean([row.metrics[f"seed {seed}.hit_at_1"].value for seed in (5, 6, 7)]))
        assert found.n == row.metrics["seed 5.hit_at_1"].n
    assert len({tuple(item.values) for item in apart}) > 1, "draws differ"


def test_a_scorer_may_have_preprocessing_of_its_own(comparison: dict[str, Any], tmp_path: Path) -> None:
    smaller = [{"use": "resize", "shape": [2, 2]}]
    own = {"use": "correlation", "name": "smaller", "preprocess": smaller}
    comparison["compare_with"] = ["correlation", own]
    del comparison["base"], comparison["grid"]
    comparison["split"] = {"val": 0, "test": 1.0}
    result = engine.bench(comparison, out=tmp_path / "both")
    found = {row.label: row.metrics["retrieval.map_at_r"].value for row in result.rows}
    alone = engine.bench({**comparison, "compare_with": ["correlation"], "preprocess": smaller}, out=tmp_path / "alone")
    assert found["smaller"] == alone.rows[0].metrics["retrieval.map_at_r"].value != found["correlation"]
    run = next(row for row in result.rows if row.label == "smaller").runs[0]
    assert RunFolder(result.folder / "runs" / run).record().settings["preprocess"] == smaller


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"use": "ssim", "preprocess": "zscore"}, "preprocess should be a list"),
        ({"use": "ssim", "preprocess": ["zscor"]}, "Did you mean: zscore"),
        ({"use": "ssim", "preprocess": [{"use": "resize", "shap": [8, 8]}]}, "shap"),
        ({"use": "untrained", "preprocess": []}, "sees what the trained methods see"),
    ],
)
def test_mistakes_in_a_scorers_preprocessing_are_told_with_their_place(
    comparison: dict[str, Any], tmp_path: Path, given: dict[str, Any], complaint: str
) -> None:
    comparison["compare_with"] = [given]
    with pytest.raises(ParameterError, match=complaint):
        engine.bench(comparison, out=tmp_path)
