"""SYNT-CONTR of DeepBrainPrint: any data set in made-up contrasts."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mlfp.data.files import read_row
from mlfp.data.memo import cache_folder
from mlfp.errors import MlfpError, ScanError
from mlfp.execution.files import whole
from mlfp.interfaces.dataset import Dataset
from mlfp.types.scan_table import ScanTable
from mlfp.types.spec import Spec
from mlfp.types.volume import Volume
from mlfp_plugins.datasets.derived import base_of, keys
from mlfp_plugins.preprocessors.synthetic_contrast import SyntheticContrast


@dataclass(frozen=True)
class SyntContr:
    """Every scan of another data set, some turned into their negative, all shifted in intensity.

    As ``synthetic-contrast``, drawn for every scan from its id, but of the scans as they were before any preprocessing,
    and stored: each is made once, and whoever reads it later sees the same. Volumes are stored as NIfTI.

    :param dataset: of which it is made: ``{use: adni, path: ADNI}``.
    :param negative: probability of the negative.
    :param shift: added to all: uniform in so many standard deviations of the image, either way.
    :param seed: another seed gives other draws.
    :param store: the folder of the made scans; in the cache unless given.
    """

    dataset: Spec
    negative: float = 0.5
    shift: float = 0.25
    seed: int = 0
    store: Path | None = None

    def __post_init__(self) -> None:
        self._change  # noqa: B018 (it checks the values)

    @cached_property
    def _base(self) -> Dataset:
        return base_of(self.dataset)

    @cached_property
    def _change(self) -> SyntheticContrast:
        return SyntheticContrast(negative=self.negative, shift=self.shift, seed=self.seed)

    @cached_property
    def _keys(self) -> dict[str, str]:
        return keys(self._base)

    def table(self) -> ScanTable:
        """The other data set's table, under this name."""
        table = self._base.table()
        frame = table.frame.assign(dataset="synt-contr")
        return ScanTable(frame, source=f"synt-contr of {table.source}", remarks=table.remarks)

    def read(self, row: Mapping[str, Any]) -> Volume:
        """The scan in its contrast, from the store where it is there.

        :raises ScanError: the other data set cannot give it.
        """
        scan = str(row["scan"])
        stem = (self.store or cache_folder() / "synt-contr") / hashlib.sha256(self.key(row).encode()).hexdigest()[:40]
        found = _stored(stem, scan)
        if found is None:
            _store(self._change(read_row(self._base, row)), stem)
            found = _stored(stem, scan)
        if found is None:
            raise ScanError("it could not be stored", where=str(stem.parent))
        return found

    def key(self, row: Mapping[str, Any]) -> str:
        """The other data set's key of the scan, and the parameters."""
        key = self._keys.get(str(row["scan"]))
        if key is None:
            raise ScanError(f"{self.dataset.use} has no scan {row['scan']!r}")
        return f"synt-contr 1;{self._change};{row['scan']};{key}"


def _stored(stem: Path, scan: str) -> Volume | None:
    from mlfp.data import nifti

    if (path := stem.with_suffix(".nii.gz")).is_file():
        return Volume(*nifti.read(path), scan)
    if (path := stem.with_suffix(".npz")).is_file():
        with np.load(path, allow_pickle=False) as arrays:
            return Volume(arrays["data"], arrays["affine"], scan)
    return None


def _store(volume: Volume, stem: Path) -> None:
    """Whole or not at all, whoever else stores the same."""
    import nibabel as nib

    as_nifti = volume.spatial_dims == 3 and len(volume.data) == 1
    try:
        with whole(stem.with_suffix(".nii.gz" if as_nifti else ".npz")) as file:
            if as_nifti:
                image = nib.nifti1.Nifti1Image(volume.data[0].astype(np.float32), volume.affine)
                file.write(gzip.compress(image.to_bytes(), compresslevel=1, mtime=0))
            else:
                np.savez(file, data=volume.data, affine=volume.affine)
    except OSError as error:
        raise MlfpError(
            f"a made scan cannot be stored: {error.strerror or error}",
            where=str(stem.parent),
            hints=["Make room, or name another folder: store: /some/folder"],
        ) from error
