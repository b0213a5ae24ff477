"""Files to volumes. A header is checked before its data is read: files come from anywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from mlfp.errors import ScanError
from mlfp.types.volume import Volume

#: Raised when the readers' numbers change, so that nothing prepared before is taken for current.
VERSION = 1
#: What is read, by the end of a file's name.
SUFFIXES = (".nii", ".nii.gz", ".png", ".jpg", ".jpeg")


def read(path: Path, *, scan: str = "") -> Volume:
    """One scan from a file.

    NIfTI (1 and 2, gzipped or not) becomes ``(1, I, J, K)`` float32 in RAS+ order with its affine in mm; PNG and JPEG
    (8 or 16 bit) become ``(1, I, J)`` grey float32, I down the rows, with the identity as affine.

    :param scan: the scan's id; the file's name unless given.
    :raises ScanError: there is no such file, or it cannot be used; says why and what to do.
    """
    try:
        data, affine = _reader(path)(path)
    except ScanError as error:
        raise error.at(str(path)) from error
    except OSError as error:
        raise ScanError(f"the file cannot be read: {error.strerror or error}", where=str(path)) from error
    return Volume(data, affine, scan or path.name)


def _reader(path: Path) -> Callable[[Path], tuple[np.ndarray, np.ndarray]]:
    if not path.is_file():
        raise ScanError(
            "there is a folder where a file is expected" if path.is_dir() else "there is no such file",
            hints=["Paths in a manifest are taken from the manifest's own folder, unless they are absolute."],
        )
    if path.stat().st_size == 0:
        raise ScanError("the file is empty", hints=["Copy or download it again."])
    # Imported here: listing and hashing scans needs neither nibabel nor Pillow.
    name = path.name.lower()
    if name.endswith((".nii", ".nii.gz")):
        from mlfp.data import nifti

        return nifti.read
    if name.endswith((".png", ".jpg", ".jpeg")):
        from mlfp.data import pictures

        return pictures.read
    raise ScanError("this is no format that is read", hints=[f"Formats: {' '.join(SUFFIXES)}; convert it to one."])
