"""Occlusion: how far a fingerprint moves when a part of the scan is taken away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mlfp.data.masks import BRIGHT, air
from mlfp.data.masks import SHARE as SHARE_OF_TISSUE
from mlfp.execution.progress import Progress, silent

#: Side of the cube (or square) that is covered, as a share of the image's longest side; it moves by half of that.
SHARE = 0.2
#: Covered images that pass the model at once.
BATCH = 16


def occlusion(forward: Callable[[Tensor], Tensor], images: Tensor, progress: Progress = silent) -> np.ndarray:
    """(*spatial) float32 from 0 to 1: how much the fingerprint depends on what is at each place.

    A cube of the scan is covered with air (what most of its border shows), everywhere in turn, and the fingerprint's
    way from what it was, 1 - cosine, is noted; a voxel has the mean of all cubes that cover it (Zeiler and Fergus 2014,
    with another output). What a cube did is put down to the voxels in it that it changed (:func:`changed`): air that
    was covered with air had no part in it. It asks the model and knows nothing of its layers, so that it holds for any
    encoder; within the head it shows nothing finer than the cube.

    :param forward: images (B, C, *spatial) to fingerprints (B, D).
    :param images: (1, C, *spatial).
    """
    shape = tuple(images.shape[2:])
    side = [min(length, max(2, round(SHARE * max(shape)))) for length in shape]
    places = list(product(*(starts(length, size) for length, size in zip(shape, side, strict=True))))
    total, times, weight = np.zeros(shape), np.zeros(shape), changed(images[0].cpu().numpy())
    for place in places:
        times[_cube(place, side)] += 1
    # Where there is no tissue, there is nothing to take away.
    places = [place for place in places if weight[_cube(place, side)].max() == 1]
    with torch.inference_mode():
        whole = functional.normalize(forward(images), dim=1)
        for done, chosen in enumerate(_chunks(places, BATCH), start=1):
            covered = torch.cat([_covered(images, place, side) for place in chosen])
            moved = 1 - (functional.normalize(forward(covered), dim=1) @ whole.T)[:, 0]
            for place, way in zip(chosen, moved.tolist(), strict=True):
                total[_cube(place, side)] += way
            progress("covering", min(done * BATCH, len(places)), len(places))
    found = np.maximum(weight * total / times, 0).astype(np.float32)
    largest = float(found.max())
    # What float32 cannot tell from no way at all would be drawn as if it were something.
    return found / largest if largest > 1e-6 else np.zeros_like(found)


def starts(length: int, size: int) -> list[int]:
    """Where the covered part begins along one axis: every half of its size, and flush with the end."""
    last = length - size
    return sorted({*range(0, last, max(1, size // 2)), last})


def changed(data: np.ndarray) -> np.ndarray:
    """(*spatial) from 0 to 1: how much it changes a voxel of ``(C, *spatial)`` to be covered with air.

    1 from where tissue begins (:data:`mlfp.data.masks.SHARE` of the brightest), less for noise; of several channels
    the most.
    """
    found = np.zeros(data.shape[1:], np.float32)
    for channel in data:
        distance = np.abs(channel - air(channel))
        different = distance[distance > 0]
        if different.size:
            tissue = SHARE_OF_TISSUE * float(np.percentile(different, BRIGHT))
            found = np.maximum(found, np.minimum(distance / tissue, 1))
    return found


def _cube(place: tuple[int, ...], side: list[int]) -> tuple[slice, ...]:
    return tuple(slice(start, start + size) for start, size in zip(place, side, strict=True))


def _covered(images: Tensor, place: tuple[int, ...], side: list[int]) -> Tensor:
    found = images.clone()
    for image in found[0]:
        image[_cube(place, side)] = air(image.cpu().numpy())
    return found


def _chunks(places: list[tuple[int, ...]], size: int) -> Iterator[list[tuple[int, ...]]]:
    for start in range(0, len(places), size):
        yield places[start : start + size]
