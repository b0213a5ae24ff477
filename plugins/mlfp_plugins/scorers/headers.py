"""What the header of a scan's file says of its acquisition, read without its pixels."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from PIL import Image, UnidentifiedImageError

from mlfp.errors import UsageError

#: Numbers that :func:`read` gives.
FACTS = 3 + 3 + 1 + 24
#: mm in an inch, which pictures count their dots by.
INCH = 25.4


def read(path: str) -> np.ndarray:
    """(31,) float64: shape in voxels, voxel size in mm, kind of number, and the 8 corners of the scan in mm.

    Of a picture, whose header knows no place, the first corner is the origin; where it names no dots per inch, a pixel
    counts as 1 mm.

    :raises UsageError: the file is gone, or has no header that is known.
    """
    try:
        name = path.lower()
        shape, affine, kind = _volume(path) if name.endswith((".nii", ".nii.gz", ".mgz", ".mgh")) else _picture(path)
    except (OSError, UnidentifiedImageError, ImageFileError) as error:
        raise UsageError(
            f"the header cannot be read: {str(error).splitlines()[0]}",
            where=path,
            hints=["Headers of NIfTI, MGH and picture files are known; for others, name columns that tell the same."],
        ) from error
    corners = np.array(list(product(*[(0, length - 1) for length in shape])), dtype=float)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    places = corners @ affine[:3, :3].T + affine[:3, 3]
    return np.concatenate([shape, spacing, [kind], places.ravel()])


def _volume(path: str) -> tuple[list[int], np.ndarray, int]:
    # Of the pixels nothing is read until somebody asks for them.
    image = nib.load(path)
    shape = [int(length) for length in image.shape[:3]]
    return shape + [1] * (3 - len(shape)), np.asarray(image.affine), _code(image.get_data_dtype().str)


def _picture(path: str) -> tuple[list[int], np.ndarray, int]:
    with Image.open(Path(path)) as image:
        dots = image.info.get("dpi", (INCH, INCH))
        width, height = image.size
        # Not a number, or nothing, stands in some headers.
        steps = [INCH / float(dot) if dot and float(dot) > 0 else 1.0 for dot in (dots[1], dots[0])]
        return [height, width, 1], np.diag([*steps, 1.0, 1.0]), _code(f"{image.format} {image.mode}")


def _code(text: str) -> int:
    """A short text as a number that only it has, as long as it fits into 6 bytes."""
    return int.from_bytes(text.encode()[:6], "big")
