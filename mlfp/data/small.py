"""A scan made small for laying it over another: cached, as every pair it is in needs it again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mlfp.data.files import read_row
from mlfp.data.grids import regrid
from mlfp.data.masks import foreground
from mlfp.data.memo import cache_folder
from mlfp.data.prepare import cached_name
from mlfp.errors import ScanError
from mlfp.execution.files import whole
from mlfp.interfaces.dataset import Dataset
from mlfp.types.volume import Volume

#: Where they lie in the cache; raised when they change.
CHAIN = "small-2"
#: mm of a voxel. Pictures have this many pixels along their longer side.
SPACING, PIXELS = 3.0, 96


def small(dataset: Dataset, row: Mapping[str, Any], key: str, *, cache: Path | None = None) -> Volume:
    """One channel of air 0 to brightest 1 at :data:`SPACING`, and in a second channel 1 where there is content.

    :param key: of the scan's content; an empty one is not cached.
    :raises ScanError: the scan cannot be read, or is empty.
    """
    path = cache_folder(cache) / cached_name(CHAIN, key, str(row["scan"]))
    if key and path.is_file():
        with np.load(path, allow_pickle=False) as kept:
            return Volume(kept["data"].astype(np.float32) / 255, kept["affine"], str(row["scan"]))
    volume = reduced(read_row(dataset, row))
    # In levels as coarse as the cache holds: it must not matter whether it comes from there.
    levels = np.round(volume.data * 255).astype(np.uint8)
    if key:
        with whole(path, durable=False) as file:  # whoever else writes the same
            np.savez(file, data=levels, affine=volume.affine)
    return volume.with_data(levels.astype(np.float32) / 255)


def reduced(volume: Volume) -> Volume:
    """As :func:`small` gives it, of a scan that was read.

    :raises ScanError: it is empty.
    """
    wanted = SPACING if volume.spatial_dims == 3 else max(volume.shape) / PIXELS * volume.spacing[0]
    steps = [wanted / spacing for spacing in volume.spacing]
    shape = [max(1, round(length / step)) for length, step in zip(volume.shape, steps, strict=True)]
    found = regrid(volume.with_data(volume.data[:1]), shape, steps)
    mask = foreground(found.data)
    pixels = found.data[0]
    inside = pixels[mask]
    if inside.size < 2 or float(inside.min()) == float(inside.max()):
        raise ScanError("nothing in it differs from the air around", where=volume.scan, hints=["Is the scan empty?"])
    low, high = (float(value) for value in np.percentile(inside, [1, 99]))
    low = min(low, float(np.median(pixels[~mask]))) if (~mask).any() else low
    levels = np.clip((pixels - low) / max(high - low, 1e-9), 0, 1)
    return found.with_data(np.stack([levels, mask.astype(np.float32)]).astype(np.float32))
