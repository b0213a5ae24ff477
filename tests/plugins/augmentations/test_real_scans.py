"""On real heads: what makes a new identity and a new contrast keeps what it should."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import torch
from mlfp_plugins.augmentations.head import head
from mlfp_plugins.augmentations.identity_warp import IdentityWarp
from mlfp_plugins.augmentations.intensity import Intensity
from torch import Tensor

from mlfp.training.augment import AugmentationChain
from mlfp.training.tones import background

pytestmark = pytest.mark.real
KEYS = [(0, row) for row in range(4)]


@pytest.fixture(scope="module")
def scans(real_data: Path) -> tuple[Tensor, list[str]]:
    """Two contrasts of two subjects, cropped to one shape: rows 0 and 1 show one head, 2 and 3 another."""
    table = pd.read_csv(real_data / "brain-lgg" / "scans.csv")
    rows = table[table.subject.isin(table.subject.unique()[:2])].groupby("subject").head(2)
    arrays = [np.asarray(nib.load(real_data / "brain-lgg" / path).dataobj, np.float32) for path in rows.path]
    shape = np.min([array.shape for array in arrays], axis=0)
    starts = [[(full - size) // 2 for full, size in zip(array.shape, shape, strict=True)] for array in arrays]
    cut = [
        array[tuple(slice(at, at + size) for at, size in zip(start, shape, strict=True))]
        for array, start in zip(arrays, starts, strict=True)
    ]
    return torch.from_numpy(np.stack(cut))[:, None], rows.subject.tolist()


def test_a_negative_stays_within_the_head(scans: tuple[Tensor, list[str]]) -> None:
    images, _ = scans
    chain = AugmentationChain([Intensity(negative_probability=1.0)])
    made = chain(images, keys=KEYS, subject_keys=KEYS)
    inside = head(images)
    assert 0.1 < inside.float().mean() < 0.95
    assert torch.equal(made[~inside], images[~inside])
    assert not torch.equal(made[inside], images[inside])


def test_contrasts_of_a_warped_subject_still_lie_on_each_other(scans: tuple[Tensor, list[str]]) -> None:
    images, subjects = scans
    chain = AugmentationChain([IdentityWarp(spacing=(3.0, 3.0, 3.0))])
    made = chain(images, keys=KEYS, subject_keys=[(0, subject) for subject in subjects])
    # Which voxels are brighter than the background: the same head, seen twice.
    tissue = (made - background(made)[..., None, None, None]).abs() > 0.1 * made.amax(dim=(2, 3, 4), keepdim=True)

    def overlap(one: int, other: int) -> float:
        both = (tissue[one] & tissue[other]).sum()
        return float(2 * both / (tissue[one].sum() + tissue[other].sum()))

    assert overlap(0, 1) > 0.85
    assert overlap(2, 3) > 0.85
    assert overlap(0, 2) < min(overlap(0, 1), overlap(2, 3))
