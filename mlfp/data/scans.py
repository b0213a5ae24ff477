"""Prepared scans: their table, and their pixels read from the cache when they are asked for."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlfp.errors import MlfpError
from mlfp.types.scan_table import ScanTable

if TYPE_CHECKING:
    from torch import Tensor

Indices = Sequence[int] | np.ndarray


@dataclass(frozen=True)
class ScanFailure:
    """A scan that could not be prepared, and why."""

    scan: str
    subject: str
    reason: str

    @classmethod
    def of(cls, row: Mapping[str, Any], error: Exception) -> ScanFailure:
        """The failure of a row of the scan table, with the reason in one line."""
        if isinstance(error, MlfpError):
            reason = f"{error.what} ({error.where})" if error.where else error.what
        else:
            reason = f"{type(error).__name__}: {error}"
        return cls(str(row["scan"]), str(row["subject"]), reason)


@dataclass(frozen=True, eq=False)
class ScanSet:
    """N scans of one shape.

    :param table: what is known of them.
    :param shape: (C, *spatial) of each.
    :param spacings: (N, n) voxel size in mm along each spatial axis.
    :param files: (N,) their files in the cache, in the format of ``.npy``.
    :param dtypes: (N,) the kind of number in each: uint8, float16 or float32.
    :param keys: (N,) their content keys.
    :param chain: key of the chain that they went through.
    :param voxels: (N,) hashes of the pixels as they were read: equal ones are one image, whatever file it lies in.
    :param failures: the scans of the source that are not among them.
    """

    table: ScanTable
    shape: tuple[int, ...]
    spacings: np.ndarray
    files: tuple[Path, ...]
    dtypes: tuple[str, ...]
    keys: tuple[str, ...]
    chain: str
    failures: tuple[ScanFailure, ...] = ()
    voxels: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.files)

    @property
    def spatial_dims(self) -> int:
        """2 for pictures, 3 for volumes."""
        return len(self.shape) - 1

    @property
    def spacing(self) -> tuple[float, ...]:
        """Voxel size in mm along each spatial axis: the median over scans."""
        return tuple(float(value) for value in np.median(self.spacings, axis=0))

    @cached_property
    def digest(self) -> str:
        """A hash of the table, of the scans' contents and of the chain."""
        return digest(self.table, self.keys, self.chain)

    def images(self, indices: Indices) -> Tensor:
        """(B, C, *spatial) float32 of the scans at these positions, as a tensor of its own."""
        import torch

        chosen = _positions(indices)
        # torch widens half precision many times as fast as numpy does.
        parts = [(places, torch.from_numpy(raw).float()) for places, raw in self._raw(chosen)]
        if len(parts) == 1:
            return parts[0][1]
        found = torch.empty((len(chosen), *self.shape))
        for places, pixels in parts:
            found[torch.from_numpy(places)] = pixels
        return found

    def arrays(self, indices: Indices) -> np.ndarray:
        """As :meth:`images`, without torch."""
        chosen = _positions(indices)
        found = np.empty((len(chosen), *self.shape), dtype=np.float32)
        for places, raw in self._raw(chosen):
            found[places] = raw
        return found

    def _raw(self, chosen: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Places in ``chosen`` and pixels as they are stored, for each kind of number."""
        kinds = np.array([self.dtypes[index] for index in chosen], dtype=object)
        for kind in sorted(set(kinds)):
            places = np.flatnonzero(kinds == kind)
            raw = np.empty((len(places), *self.shape), dtype=kind)
            for into, index in zip(raw, chosen[places], strict=True):
                _read_into(into, self.files[index])
            yield places, raw

    def select(self, indices: Indices) -> ScanSet:
        """The scans at these positions (or where a boolean mask holds), in this order."""
        chosen = _positions(indices)
        return replace(
            self,
            table=self.table.select(chosen),
            spacings=self.spacings[chosen],
            files=tuple(self.files[index] for index in chosen),
            dtypes=tuple(self.dtypes[index] for index in chosen),
            keys=tuple(self.keys[index] for index in chosen),
            voxels=tuple(self.voxels[index] for index in chosen) if self.voxels else (),
        )


def digest(table: ScanTable, keys: Sequence[str], chain: str) -> str:
    """A hash of a table, of its scans' content keys and of a chain's key; the order of rows does not matter."""
    pairs = sorted(zip(table.scans.tolist(), keys, strict=True))
    text = "\n".join([table.digest(), chain, *(f"{scan}\x1f{key}" for scan, key in pairs)])
    return hashlib.sha256(text.encode()).hexdigest()


def _positions(indices: Indices) -> np.ndarray:
    chosen = np.asarray(indices)
    return np.flatnonzero(chosen) if chosen.dtype == bool else chosen.astype(np.int64)


def _read_into(pixels: np.ndarray, path: Path) -> None:
    """Fill a contiguous array from the end of a ``.npy`` file: its shape and kind of number are known already."""
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 (many files)
            file.seek(-pixels.nbytes, os.SEEK_END)
            count = file.readinto(pixels.data)
    except OSError as error:
        raise _gone(path, str(error)) from error
    if count != pixels.nbytes:
        raise _gone(path, f"{count} of {pixels.nbytes} bytes could be read")


def _gone(path: Path, reason: str) -> MlfpError:
    return MlfpError(
        f"a prepared scan is gone or damaged: {reason}",
        where=str(path),
        hints=["Was the cache cleared meanwhile? Run the command again: it prepares what is missing."],
    )
