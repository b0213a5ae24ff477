from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mlfp.bench.results import BenchResult, Row, RunFailure
from mlfp.types.estimate import Estimate

Make = Callable[..., BenchResult]


def _row(
    label: str, value: float, *, seeds: int = 1, kind: str = "trained", note: str = "", pairs: bool = False
) -> Row:
    names = ["retrieval.precision_at_1", "retrieval.map_at_r", "retrieval.hit_at_5", "few-shot.recall_at_1_shot"]
    if pairs:
        names += ["retrieval.map_at_r[T1>T2]", "retrieval.map_at_r[T2>T1]"]
    metrics = {name: Estimate(value, value - 0.05, value + 0.05, 126) for name in names}
    spread = dict.fromkeys(names, 0.012 if seeds > 1 else None)
    return Row(label, kind, seeds, metrics, spread, seconds=38.2, parameters=1_234_567, note=note)


@pytest.fixture
def make_result() -> Make:
    """Makes the result of a comparison of three methods, one of which could not be measured in full."""

    def make(*, seeds: int = 1, failures: bool = False, pairs: bool = False, labels: str = "triplet") -> BenchResult:
        scorer = Row("ssim", "scorer", 1, {"retrieval.map_at_r": Estimate(0.31, 0.25, 0.37, 126)}, {}, 4.0, None)
        return BenchResult(
            name="losses",
            folder=Path("results/losses"),
            rows=[
                _row(labels, 0.9, seeds=seeds, pairs=pairs),
                _row("untrained", 0.4, kind="untrained", note="model-only: needs model"),
                scorer,
            ],
            failures=[RunFailure("infonce", 1, "the loss is not finite", Path("failures/x.txt"))] if failures else [],
            rank_by="retrieval.map_at_r",
            data={
                "dataset": "dataset mlfp/phantom 1",
                "source": "phantom",
                "train": {"scans": 180, "subjects": 60},
                "test": {"scans": 126, "subjects": 42},
            },
            papers=["Gaspar Alves et al. 2025"],
            description="Two losses on the phantom.",
        )

    return make
