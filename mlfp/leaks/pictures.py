"""A pair of scans for the eye: side by side, one laid over the other, their difference, and a checkerboard."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from typing import Any

import numpy as np

from mlfp.errors import MlfpError
from mlfp.leaks.verify import Verified, loaded
from mlfp.types.volume import Volume

#: Screen pixels a voxel, and voxels a square of the checkerboard.
ZOOM, SQUARE = 2, 10
AIR = 0.05


def pair(one: Mapping[str, Any], two: Mapping[str, Any], seen: Verified | None) -> str | None:
    """A PNG as a data URI: the first scan, the second laid over it, their difference, a checkerboard of both.

    :param seen: how to lay one over the other; without it they are shown as they lie.
    :returns: None where they cannot be read (again).
    """
    try:
        volumes = loaded(one), loaded(two)
    except (MlfpError, OSError):
        return None
    return together(*volumes, seen)


def together(one: Volume, two: Volume, seen: Verified | None) -> str:
    """The same of two scans made small, as :func:`mlfp.data.small.small` gives them."""
    first, second = overlaid(one, two, seen)
    rows = [
        np.concatenate([_framed(part) for part in (left, right, np.abs(left - right), _checkered(left, right))], axis=1)
        for left, right in zip(_slices(first), _slices(second), strict=True)
    ]
    width = max(row.shape[1] for row in rows)
    padded = [np.pad(row, ((0, 0), (0, width - row.shape[1]))) for row in rows]
    return _uri(np.concatenate(padded))


def single(volume: Volume) -> str:
    """A PNG as a data URI: the central slices of a scan made small, side by side."""
    parts = [_framed(part) for part in _slices(volume.data[0])]
    tall = max(part.shape[0] for part in parts)
    return _uri(np.concatenate([np.pad(part, ((0, tall - part.shape[0]), (0, 0))) for part in parts], axis=1))


def overlaid(one: Volume, two: Volume, seen: Verified | None) -> tuple[np.ndarray, np.ndarray]:
    """Both on one grid: that of the scan that was held still."""
    import torch

    from mlfp.leaks.align import resampled
    from mlfp.leaks.verify import picture

    swapped = seen is not None and seen.swapped
    still, moved = (two, one) if swapped else (one, two)
    dims = still.spatial_dims
    parameters = (
        torch.zeros(7 if dims == 3 else 4) if seen is None or not seen.parameters else torch.tensor(seen.parameters)
    )
    found = resampled(picture(still), picture(moved), parameters).numpy()
    return (found, still.data[0]) if swapped else (still.data[0], found)


def _slices(volume: np.ndarray) -> list[np.ndarray]:
    """Central slices as they are looked at: up is up. A picture is its own slice."""
    if volume.ndim == 2:
        return [volume]
    places = [
        round(float(np.average(np.arange(n), weights=_weights(volume, axis)))) for axis, n in enumerate(volume.shape)
    ]
    return [volume[:, :, places[2]].T[::-1], volume[:, places[1]].T[::-1], volume[places[0]].T[::-1]]


def _weights(volume: np.ndarray, axis: int) -> np.ndarray:
    others = tuple(other for other in range(volume.ndim) if other != axis)
    return np.asarray((volume > AIR).sum(axis=others)) + 1e-6


def _checkered(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    rows, columns = np.indices(one.shape) // SQUARE
    return np.where((rows + columns) % 2, one, two)


def _framed(part: np.ndarray) -> np.ndarray:
    return np.pad(part.repeat(ZOOM, axis=0).repeat(ZOOM, axis=1), 4)


def _uri(pixels: np.ndarray) -> str:
    from PIL import Image

    content = io.BytesIO()
    Image.fromarray((pixels.clip(0, 1) * 255).astype(np.uint8)).save(content, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()
