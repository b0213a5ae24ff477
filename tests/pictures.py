"""Made-up pictures of made-up subjects, for comparisons that take seconds; tests get it by ``pictures_of``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from scipy import ndimage


def write_pictures(
    manifest: Path, *, subjects: int, size: int, noise: float, names: str, files: str, sessions: int = 3
) -> Path:
    """A manifest and its pictures: a smooth pattern of the subject's own, and smooth noise of the session's own.

    :param size: pixels of each side.
    :param noise: its standard deviation, where that of the pattern is 1.
    :param names: of subjects, as a format with ``subject``.
    :param files: of pictures, as a format with ``subject`` and ``session``.
    :return: the manifest.
    """
    generator = np.random.default_rng(0)
    rows = []
    for subject in range(subjects):
        pattern = ndimage.gaussian_filter(generator.normal(size=(size, size)), 3)
        pattern /= pattern.std()
        for session in range(sessions):
            noisy = pattern + noise * ndimage.gaussian_filter(generator.normal(size=(size, size)), 1)
            name = files.format(subject=subject, session=session)
            # From 1: what is 0 everywhere counts as air.
            Image.fromarray(np.clip(128 + 40 * noisy, 1, 255).astype(np.uint8)).save(manifest.parent / name)
            own = {"path": name, "subject": names.format(subject=subject)}
            rows.append({**own, "session": session, "modality": "AB"[session % 2]})
    pd.DataFrame(rows).to_csv(manifest, index=False)
    return manifest
