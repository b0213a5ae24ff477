"""A head of a few thousand voxels, which needs no template and no ANTs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

SHAPE = (18, 22, 16)


def _head(seed: int = 0) -> np.ndarray:
    """(I, J, K) float32: an ellipsoid of tissue in air."""
    axes = np.meshgrid(*(np.linspace(-1.3, 1.3, length) for length in SHAPE), indexing="ij")
    inside = sum(axis**2 for axis in axes) < 1
    values = np.random.default_rng(seed).normal(100, 20, SHAPE)
    return np.where(inside, values, 0).astype(np.float32)


@pytest.fixture(scope="session")
def head() -> Callable[..., np.ndarray]:
    return _head


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A manifest of five scans, one of them cut short; gives its path."""
    rows = []
    for number, (subject, session, modality) in enumerate(
        [("A_1", "1", "T1"), ("A_1", "1", "T1c"), ("A_1", "2", "T1"), ("A1", "1", "FLAIR"), ("B", "1", "T1")]
    ):
        name = f"{number}.nii.gz"
        nib.save(nib.Nifti1Image(_head(number), np.diag([3.0, 3.0, 3.0, 1.0])), tmp_path / name)
        rows.append({"path": name, "subject": subject, "session": session, "modality": modality})
    whole = (tmp_path / "4.nii.gz").read_bytes()
    (tmp_path / "4.nii.gz").write_bytes(whole[: len(whole) // 2])
    pd.DataFrame(rows).to_csv(tmp_path / "scans.csv", index=False)
    return tmp_path / "scans.csv"
