"""Opponents in a comparison: those that learn, and those that see no pixel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mlfp.bench import engine

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
