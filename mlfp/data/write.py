"""Scans to files: what a data set makes or reads, as NIfTI with a manifest beside it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlfp.data.files import read_row
from mlfp.errors import ScanError, UsageError
from mlfp.execution import local
from mlfp.execution.files import write_atomically
from mlfp.execution.progress import Progress, silent
from mlfp.interfaces.dataset import Dataset
from mlfp.types.scan_table import ScanTable

MANIFEST = "scans.csv"
VOLUMES = "volumes"
#: Scans for which starting one more worker process pays.
SCANS_A_WORKER = 16


@dataclass(frozen=True)
class _Writing:
    """Writes one row's scan; crosses to a worker process."""

    dataset: Dataset
    folder: Path

    def __call__(self, row: Mapping[str, Any]) -> None:
        import nibabel

        volume = read_row(self.dataset, row)
        if volume.spatial_dims != 3 or volume.data.shape[0] != 1:
            raise ScanError(f"only volumes of one channel are written, got {volume.data.shape}", where=volume.scan)
        # A float32 scan keeps its values; the header says that they are those of the scanner (RAS, mm).
        image = nibabel.nifti1.Nifti1Image(volume.data[0].astype(np.float32), volume.affine)
        image.header.set_xyzt_units("mm")
        nibabel.save(image, self.folder / _name(row))


def write_scans(dataset: Dataset, folder: Path, *, workers: int | None = None, progress: Progress = silent) -> Path:
    """Write all scans of a data set as ``volumes/SCAN.nii.gz``, and ``scans.csv``; gives the manifest's path.

    :param workers: processes; None chooses by how much there is to do.
    :raises UsageError: the folder has a manifest already.
    :raises ScanError: a scan cannot be read or written; the manifest is not written then.
    """
    manifest = folder / MANIFEST
    if manifest.exists():
        raise UsageError(f"there is a manifest already: {manifest}", hints=["Give another folder, or remove that one."])
    (folder / VOLUMES).mkdir(parents=True, exist_ok=True)
    table = dataset.table()
    rows = list(table)
    workers = min(local.cores(), len(rows) // SCANS_A_WORKER) if workers is None else workers
    for done, (_, outcome) in enumerate(local.run(_Writing(dataset, folder), rows, workers=workers), start=1):
        if isinstance(outcome, Exception):
            raise outcome
        progress("writing", done, len(rows))
    write_manifest(table, manifest, paths=[_name(row) for row in rows])
    return manifest


def write_manifest(table: ScanTable, path: Path, *, paths: list[str] | None = None) -> None:
    """Write a scan table as CSV, with paths relative to it so that the folder can be moved.

    :param paths: in place of the table's own.
    """
    frame: pd.DataFrame = table.frame.copy()
    if paths is None and "path" in frame:
        paths = [os.path.relpath(item, path.parent) if item else "" for item in frame["path"]]
    if paths is not None:
        frame.insert(0, "path", paths, allow_duplicates=True)
        frame = frame.loc[:, ~frame.columns.duplicated()]
    write_atomically(path, frame.to_csv(index=False).encode())


def _name(row: Mapping[str, Any]) -> str:
    safe = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in str(row["scan"]))
    return f"{VOLUMES}/{safe}.nii.gz"
