"""A data set of small pictures and a model for them: what the tests of stores, search and leaks are made on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from mlfp.fingerprints.model import FingerprintModel, describe, untrained
from mlfp.types.spec import Spec

SIDE = 24


def model() -> FingerprintModel:
    """An untrained model of pictures."""
    card = describe(
        Spec("compact-2d"), shape=(1, SIDE, SIDE), embedding_dim=8,
        preprocess=[{"use": "resize", "shape": [SIDE, SIDE]}, {"use": "zscore"}],
    )  # fmt: skip
    return untrained(card, seed=0).eval()


def pictures(folder: Path, subjects: int = 3, scans: int = 2, *, seed: int = 0) -> Path:
    """A manifest with pictures: blobs of the subject's own, and a little noise of the scan's own."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    rows = []
    for subject in range(subjects):
        generator = np.random.default_rng([seed, subject])
        own = np.kron(generator.uniform(40, 215, size=(6, 6)), np.ones((8, 8)))
        for scan in range(scans):
            path = f"images/{subject}_{scan}.png"
            pixels = own + generator.normal(0, 6, size=own.shape)
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / path)
            rows.append({"path": path, "subject": f"s{subject}", "session": str(scan)})
    pd.DataFrame(rows).to_csv(folder / "scans.csv", index=False)
    return folder / "scans.csv"
