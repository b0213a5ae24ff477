from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import mlfp
from mlfp.bench.results import BenchResult, Row, RunFailure
from mlfp.types.estimate import Estimate

Make = Callable[..., BenchResult]


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, pictures_of: Callable[..., Path]) -> Path:
    """The folder of a small comparison that has been run: a training, an untrained encoder, a scorer."""
    folder = tmp_path_factory.mktemp("finished")
    manifest = pictures_of(
        folder / "hospital-list.csv", subjects=20, size=24, noise=0.5, names="patient{subject:02d}",
        files="patient{subject:02d}-visit{session}.png",
    )  # fmt: skip
    config = {
        "name": "small",
        "description": "Pictures of patient03 and others.",
        "data": {"use": "manifest", "path": str(manifest)},
        "split": {"val": 0.2, "test": 0.4},
        "base": {
            "encoder": {"use": "compact-2d", "embedding_dim": 16},
            "batch": {"subjects": 4, "scans": 2},
            "train": {"epochs": 3, "steps_per_epoch": 2},
        },
        "runs": {
            "<i>triplet</i>": {"objective": [{"loss": {"use": "triplet", "margin": 0.2}, "miner": "batched-hard"}]}
        },
        "compare_with": ["correlation", "untrained"],
        "evaluate": ["retrieval", {"use": "retrieval", "name": "across", "across": "modality"}],
    }
    cache = pytest.MonkeyPatch()
    cache.setenv("MLFP_CACHE", str(folder / "cache"))
    try:
        mlfp.bench(config, out=folder / "results")
    finally:
        cache.undo()
    return folder / "results"


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
