"""A small comparison on made-up pictures: seconds, and no scan of anybody."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory, pictures_of: Callable[..., Path]) -> Path:
    """A manifest of 24 subjects with 3 pictures each."""
    manifest = tmp_path_factory.mktemp("pictures") / "scans.csv"
    names, files = "{subject:03d}", "s{subject:02d}_{session}.png"
    return pictures_of(manifest, subjects=24, size=32, noise=0.7, names=names, files=files)


@pytest.fixture
def comparison(pictures: Path) -> dict[str, Any]:
    """Two short trainings, a scorer and the untrained encoder."""
    return {
        "name": "small",
        "data": {"use": "manifest", "path": str(pictures)},
        "preprocess": [{"use": "zscore"}],
        "split": {"val": 0.2, "test": 0.4},
        "base": {
            "encoder": {"use": "compact-2d", "embedding_dim": 16},
            "batch": {"subjects": 6, "scans": 2},
            "train": {"epochs": 3, "steps_per_epoch": 3},
        },
        "grid": {
            "objective": {
                "triplet": [{"loss": {"use": "triplet", "margin": 0.2}, "miner": "batched-hard"}],
                "infonce": [{"loss": "infonce"}],
            }
        },
        "compare_with": ["correlation", "untrained"],
        "seeds": [0, 1],
        "evaluate": ["retrieval"],
    }
