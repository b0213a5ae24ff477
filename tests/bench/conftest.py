"""A small comparison on made-up pictures: seconds, and no scan of anybody."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import ndimage

SUBJECTS, SESSIONS, SIZE = 24, 3, 32


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A manifest of 24 subjects with 3 pictures each: a smooth pattern of the subject's own, and noise."""
    folder = tmp_path_factory.mktemp("pictures")
    generator = np.random.default_rng(0)
    rows = []
    for subject in range(SUBJECTS):
        pattern = ndimage.gaussian_filter(generator.normal(size=(SIZE, SIZE)), 3)
        pattern /= pattern.std()
        for session in range(SESSIONS):
            noisy = pattern + 0.7 * ndimage.gaussian_filter(generator.normal(size=(SIZE, SIZE)), 1)
            pixels = np.clip(128 + 40 * noisy, 1, 255).astype(np.uint8)
            name = f"s{subject:02d}_{session}.png"
            Image.fromarray(pixels).save(folder / name)
            rows.append({"path": name, "subject": f"{subject:03d}", "session": session, "modality": "AB"[session % 2]})
    pd.DataFrame(rows).to_csv(folder / "scans.csv", index=False)
    return folder / "scans.csv"


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
