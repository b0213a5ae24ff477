"""A row of the scan table to its pixels, and to a text that changes whenever they do."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from mlfp.data import readers
from mlfp.data.memo import Memo, State
from mlfp.errors import ScanError
from mlfp.execution.local import cores
from mlfp.interfaces.dataset import Dataset, ReadingDataset
from mlfp.types.scan_table import ScanTable
from mlfp.types.volume import Volume

#: Stands for the content of a file that is not there: once it is, everything made from the table counts as changed.
MISSING = "missing"


def read_row(dataset: Dataset, row: Mapping[str, Any]) -> Volume:
    """One scan, by the data set itself if it reads, else by the core's readers.

    :raises ScanError: it cannot be had.
    """
    if isinstance(dataset, ReadingDataset):
        volume = dataset.read(row)
        return volume if volume.scan else Volume(volume.data, volume.affine, str(row["scan"]))
    return readers.read(_path(row), scan=str(row["scan"]))


def key_of(dataset: Dataset, row: Mapping[str, Any], memo: Memo | None = None) -> str:
    """A text that changes whenever the pixels of this scan do.

    It is the data set's own if it reads; else the SHA-256 of the file, kept in the memo until its size or time of
    change differs.
    """
    if isinstance(dataset, ReadingDataset):
        return dataset.key(row)
    return _hashes([_path(row)], memo)[0]


def keys_of(dataset: Dataset, table: ScanTable, memo: Memo | None = None) -> list[str]:
    """:func:`key_of` for every row, fast when they are memoised."""
    if isinstance(dataset, ReadingDataset):
        return [dataset.key(row) for row in table]
    return _hashes([_path(row) for row in table], memo)


def voxels_key(volume: Volume) -> str:
    """A hash of pixels and shape: equal for one image in two files, whatever their names, headers and compression."""
    told = hashlib.sha256(repr(volume.data.shape).encode())
    told.update(np.ascontiguousarray(volume.data, dtype=np.float32).data)
    return told.hexdigest()[:32]


def _path(row: Mapping[str, Any]) -> Path:
    if not row.get("path"):
        raise ScanError(
            "it has no path, and its data set does not read scans itself",
            where=str(row.get("scan")),
            hints=["Give the manifest a column 'path'."],
        )
    return Path(str(row["path"]))


def _hashes(paths: list[Path], memo: Memo | None) -> list[str]:
    names = [os.path.abspath(path) for path in paths]  # noqa: PTH100 (ten times as fast as Path.absolute)
    states = [_state(name) for name in names]
    there = {name: state for name, state in zip(names, states, strict=True) if state is not None}
    known = memo.contents(there) if memo is not None else {}
    new = [name for name in there if name not in known]
    if new:
        with ThreadPoolExecutor(min(cores(), len(new))) as pool:
            found = dict(zip(new, pool.map(_hash, new), strict=True))
        if memo is not None:
            memo.remember_contents({name: (there[name], key) for name, key in found.items() if key != MISSING})
        known = {**known, **found}
    return [known.get(name, MISSING) for name in names]


def _state(name: str) -> State | None:
    try:
        found = os.stat(name)  # noqa: PTH116 (many files)
    except OSError:
        return None
    # A pipe would keep whoever hashes it waiting for ever.
    return (found.st_size, found.st_mtime_ns) if stat.S_ISREG(found.st_mode) else None


def _hash(name: str) -> str:
    try:
        with open(name, "rb") as file:  # noqa: PTH123 (many files)
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:  # reading it says why, scan by scan
        return MISSING
