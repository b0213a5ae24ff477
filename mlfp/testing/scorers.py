"""The contract of scorers."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from mlfp.interfaces.scorer import FittedScorer, Scorer, TableScorer
from mlfp.testing.contract import global_randomness_untouched, images, name_of, reported, require, same, table
from mlfp.types.scan_table import ScanTable

_SHAPES = {2: (28, 24), 3: (16, 20, 14)}
#: Describes the scans at these places of the two sets of six that a scorer is tried on: first or second, and which.
Describe = Callable[[int, slice], Tensor]


def check_scorer(scorer: Scorer | TableScorer, *, spatial_dims: int) -> None:
    """Check a scorer against :mod:`mlfp.interfaces.scorer`.

    It is tried on 6 images of blobs with different insides, and the same moved up by 5 % in brightness; one that sees
    tables, on 6 files of different shapes and voxels, and copies of them.

    :param spatial_dims: 2 or 3.
    :raises ContractError: descriptions depend on the other images, or scores on the block they are computed in, have
        another shape, are not finite, or rank an image's own copy below others.
    """
    if isinstance(scorer, TableScorer):
        with tempfile.TemporaryDirectory() as folder:
            tables = [_files(Path(folder) / name, spatial_dims) for name in ("gallery", "queries")]
            _check(scorer, lambda side, rows: scorer.describe_table(tables[side].select(range(6)[rows])))
        return
    gallery = _blobs(spatial_dims)
    sets = (gallery, gallery * 1.05)
    name = name_of(scorer)
    with reported(name), global_randomness_untouched(name), torch.no_grad():
        if isinstance(scorer, FittedScorer):
            # Subject by subject, two scans of each.
            scorer.fit(torch.stack(sets, dim=1).flatten(0, 1), table(subjects=6, scans=2))
    _check(scorer, lambda side, rows: scorer.describe(sets[side][rows]))


def _check(scorer: Scorer | TableScorer, describe: Describe) -> None:
    name, all_six = name_of(scorer), slice(None)
    with reported(name), global_randomness_untouched(name), torch.no_grad():
        asked, answers, alone = describe(1, all_six), describe(0, all_six), describe(0, slice(2, 3))
        part = slice(None) if getattr(scorer, "relative", False) else slice(2, 5)
        scores, block = scorer.score(asked, answers), scorer.score(asked[1:3], answers[part])
    require(isinstance(answers, Tensor) and len(answers) == 6, f"{name}.describe should give one row an image")
    require(same(answers[2:3].float(), alone.float()), f"{name}.describe: a description depends on the other images")
    require(tuple(scores.shape) == (6, 6), f"{name}.score should give (Q, G) = (6, 6), gave {tuple(scores.shape)}")
    require(scores.dtype == torch.float32, f"{name}.score should give float32, gave {scores.dtype}")
    require(bool(scores.isfinite().all()), f"{name} gives scores that are not finite")
    require(same(scores[1:3, part], block), f"{name}.score: a score depends on the block that it is computed in")
    found = scores.argmax(1)
    require(
        torch.equal(found, torch.arange(6)), f"{name}: the images most alike should be the copies, are {found.tolist()}"
    )
    if getattr(scorer, "symmetric", False):
        with torch.no_grad():
            within = scorer.score(answers, answers)
        require(same(within, within.T), f"{name} says that it is symmetric, and its scores are not")


def _blobs(spatial_dims: int) -> Tensor:
    """``(6, 1, *spatial)``.

    Blobs of unequal size (one ends at 0.8) and brightness, so that also a scorer that sees the outline alone, or
    intensities alone, can tell them.
    """
    blobs = images(6, 1, _SHAPES[spatial_dims])
    axes = torch.meshgrid(*(torch.linspace(-1, 1, size) for size in blobs.shape[2:]), indexing="ij")
    radius = torch.stack(axes).abs().amax(0)
    limits = torch.linspace(0.35, 0.78, 6).view(-1, 1, *[1] * spatial_dims)
    levels = 2.0 ** torch.arange(6).view(limits.shape)
    return blobs * (radius < limits) * levels


def _files(folder: Path, spatial_dims: int) -> ScanTable:
    """Six files of noughts with unequal headers, and their table."""
    import nibabel as nib
    import numpy as np
    import pandas as pd
    from PIL import Image

    folder.mkdir()
    rows = []
    for number in range(6):
        path = folder / f"{number}.{'png' if spatial_dims == 2 else 'nii.gz'}"
        pixels = np.zeros((8 + number, 12, 9)[:spatial_dims], dtype=np.uint8)
        if spatial_dims == 2:
            Image.fromarray(pixels).save(path)
        else:
            nib.Nifti1Image(pixels, np.diag([1 + number / 10, 1, 1, 1])).to_filename(path)
        rows.append({"scan": path.name, "path": str(path), "subject": f"s{number}"})
    return ScanTable(pd.DataFrame(rows), source="mlfp.testing")
