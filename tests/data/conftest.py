"""Small data sets on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from mlfp.data.chain import Chain
from mlfp.plugins import registry
from mlfp.types.spec import Spec


@pytest.fixture
def write_scans(tmp_path: Path) -> Callable[..., Path]:
    """Writes volumes and a manifest that lists them; gives the manifest's path."""

    def write(subjects: int = 4, sessions: int = 2, shape: tuple[int, ...] = (8, 9, 10), **columns: Any) -> Path:
        rows = []
        (tmp_path / "volumes").mkdir(exist_ok=True)
        for subject in range(subjects):
            for session in range(sessions):
                data = np.zeros(shape, dtype=np.float32)
                inner = tuple(slice(2, length - 2) for length in shape)
                data[inner] = np.random.default_rng((subject, session)).normal(100, 10, data[inner].shape)
                path = f"volumes/S{subject}_{session}.nii.gz"
                nib.save(nib.Nifti1Image(data, np.diag([2.0, 2.0, 2.0, 1.0])), tmp_path / path)
                rows.append({"path": path, "subject": f"S{subject}", "session": str(session), **columns})
        pd.DataFrame(rows).to_csv(tmp_path / "scans.csv", index=False)
        return tmp_path / "scans.csv"

    return write


@pytest.fixture
def manifest() -> Callable[[Path], Any]:
    """The data set of a manifest."""
    return lambda path: registry().build("dataset", Spec("manifest", {"path": str(path)}))


@pytest.fixture
def chain() -> Callable[..., Chain]:
    """A chain from names or mappings."""
    return lambda *steps: Chain([Spec.parse(step) for step in steps])
