"""What the scripts beside this file share: scans as brain-v1 sees them, and MNI152's brain."""

from __future__ import annotations

import functools

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

from mlfp.data.chain import Chain
from mlfp.data.locate import locate
from mlfp.data.prepare import prepare
from mlfp.data.scans import ScanSet
from mlfp.plugins import registry
from mlfp.preparing.template import template
from mlfp.types.spec import Spec

#: What brain-v1 does to a scan before all else.
PREPROCESS = [{"use": "resample", "spacing": 3.0}, {"use": "crop"}, {"use": "pad", "shape": [64, 80, 64]}]


def scans_of(manifest: str) -> ScanSet:
    """The scans of a manifest, as brain-v1 sees them."""
    return prepare(registry().build("dataset", locate(manifest)), Chain([Spec.parse(step) for step in PREPROCESS]))


def prepared(manifests: list[str]) -> tuple[Tensor, list[np.ndarray]]:
    """``(N, 1, I, J, K)`` images of all manifests, and for each the affine that puts its middle at 0 mm."""
    images = torch.cat([scans.images(np.arange(len(scans))) for scans in map(scans_of, manifests)])
    affine = np.diag([3.0, 3.0, 3.0, 1.0])
    affine[:3, 3] = -3.0 * (np.array(images.shape[2:]) - 1) / 2
    return images, [affine] * len(images)


@functools.cache
def _field() -> tuple[Tensor, Tensor, Tensor]:
    """Distance in mm from the edge of MNI152's brain, negative within, with the matrix from mm to voxels."""
    found = template()
    volume, _ = found.working(3.0)
    zoom = [new / old for new, old in zip(volume.shape, found.brain.shape, strict=True)]
    brain = ndimage.zoom(found.brain.astype(np.float32), zoom, order=1) > 0.5
    away = ndimage.distance_transform_edt(~brain, sampling=3.0) - ndimage.distance_transform_edt(brain, sampling=3.0)
    back = torch.tensor(np.linalg.inv(volume.affine), dtype=torch.float32)
    return torch.tensor(away, dtype=torch.float32), back, torch.tensor(found.centre, dtype=torch.float32)


def brain_distance(places: Tensor) -> Tensor:
    """How far in mm outside of MNI152's brain are places in mm about its middle, ``(..., 3)``; negative within it."""
    away, back, centre = _field()
    voxels = (places + centre) @ back[:3, :3].T + back[:3, 3]
    half = (torch.tensor(away.shape) - 1) / 2
    grid = (voxels / half - 1).flip(-1).reshape(1, 1, 1, -1, 3)
    found = functional.grid_sample(away[None, None], grid, align_corners=True, padding_mode="border")
    return found.view(places.shape[:-1])
