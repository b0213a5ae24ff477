"""The contract of datasets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mlfp.interfaces.dataset import Dataset, ReadingDataset
from mlfp.testing.contract import name_of, reported, require
from mlfp.types.scan_table import ScanTable
from mlfp.types.volume import Volume


def check_dataset(dataset: Dataset, *, scans: int = 2) -> None:
    """Check a dataset against :mod:`mlfp.interfaces.dataset`.

    :param scans: how many of its scans to read.
    :raises ContractError: it gives no scan table, another the second time, paths that are not absolute, or, where it
        reads by itself, no volumes, or keys that do not stand for the pixels.
    """
    name = name_of(dataset)
    with reported(f"{name}.table()"):
        found, again = dataset.table(), dataset.table()
    require(isinstance(found, ScanTable), f"{name}.table() should give a ScanTable, gave {name_of(found)}")
    require(len(found) > 0, f"{name} lists no scans")
    require(found.digest() == again.digest(), f"{name}.table() gives another table the second time")
    reading = isinstance(dataset, ReadingDataset)
    if not reading:
        require("path" in found.columns, f"{name} cannot read by itself, so its table needs a column 'path'")
    for index in range(min(scans, len(found))):
        row = found.row(index)
        if isinstance(dataset, ReadingDataset):
            _check_reading(name, dataset, row)
        else:
            require(Path(row["path"]).is_absolute(), f"{name}: the path {row['path']!r} should be absolute")


def _check_reading(name: str, dataset: ReadingDataset, row: dict[str, Any]) -> None:
    scan = row["scan"]
    with reported(f"{name}.read({scan!r})"):
        volume, again = dataset.read(row), dataset.read(row)
        key, same_key = dataset.key(row), dataset.key(row)
    check_volume(f"{name}.read({scan!r})", volume)
    require(volume.scan == scan, f"{name}.read({scan!r}) should give a volume of that scan, says {volume.scan!r}")
    require(np.array_equal(volume.data, again.data), f"{name}.read({scan!r}) gives other pixels the second time")
    require(isinstance(key, str) and bool(key), f"{name}.key({scan!r}) should give a text, gave {key!r}")
    require(key == same_key, f"{name}.key({scan!r}) gives another key the second time")


def check_volume(what: str, volume: Volume) -> None:
    """Check one scan in memory against :class:`mlfp.types.volume.Volume`.

    :raises ContractError: its axes, its values or its affine are not as they should be.
    """
    require(isinstance(volume, Volume), f"{what} should give a Volume, gave {name_of(volume)}")
    shape = volume.data.shape
    require(volume.data.ndim in (3, 4), f"{what} should give (C, I, J) or (C, I, J, K), gave {shape}")
    require(min(shape) > 0, f"{what} gives an empty image: {shape}")
    require(bool(np.isfinite(volume.data).all()), f"{what} gives values that are not finite")
    size = volume.spatial_dims + 1
    require(volume.affine.shape == (size, size), f"{what}: the affine should be {size} x {size}")
    require(bool(abs(np.linalg.det(volume.affine)) > 0), f"{what}: the affine cannot be inverted")
