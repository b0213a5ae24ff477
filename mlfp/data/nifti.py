"""NIfTI files: every field that decides how much is read is checked first.

nibabel parses the header and knows what its fields mean; the data is read here, because nibabel (5.4) takes a header of
30000 x 30000 x 30000 voxels, negative dimensions, a NaN in the affine, and a slope of 1e38 without complaint.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import IO, Any, cast

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError

from mlfp.errors import ScanError

#: Voxels a scan may have: 4 GiB as float32. The largest whole-body CT has about a third of it.
MAX_VOXELS = 2**30
#: Bytes of header extensions before the voxels; real ones have kilobytes.
MAX_OFFSET = 2**24
#: Larger numbers overflow float32 when they are squared.
MAX_VALUE = 1e18
#: Deflate cannot pack more than 1032 bytes into one.
MAX_RATIO = 1032
#: The first four bytes, the header's size, to its version and byte order.
_KINDS: dict[bytes, tuple[Any, str]] = {
    struct.pack(f"{order}i", size): (kind, order)
    for size, kind in ((348, nib.Nifti1Header), (540, nib.Nifti2Header))
    for order in "<>"
}


def read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Voxels ``(1, I, J, K)`` float32 in RAS+ order, and their affine.

    The file may be gzipped or not, whichever of the two its name claims.

    :raises ScanError: it cannot be used.
    """
    with _opened(path) as file:
        header = _header(file, path)
        voxels = _voxels(file, header)
    return canonical(voxels, _affine(header))


def _opened(path: Path) -> IO[bytes]:
    """The file, unpacked if it is packed: names lie."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return cast("IO[bytes]", gzip.open(path) if packed else path.open("rb"))


def _header(file: IO[bytes], path: Path) -> Any:
    """The checked header; the file is left at its end."""
    block = _take(file, 348, "its header")
    found = _KINDS.get(block[:4])
    if found is None:
        raise ScanError("this is no NIfTI file", hints=["Its first four bytes should hold 348 or 540."])
    kind, order = found
    if kind is nib.Nifti2Header:
        block += _take(file, 540 - 348, "its header")
    header = kind(binaryblock=block, endianness=order, check=False)
    if not bytes(header["magic"]).startswith((b"n+1", b"n+2")):
        raise ScanError("this is not a NIfTI of one file", hints=["Convert a pair of .hdr and .img to .nii.gz."])
    _check(header, path, packed=isinstance(file, gzip.GzipFile))
    return header


def _check(header: Any, path: Path, *, packed: bool) -> None:
    shape = _shape(header)
    dtype = _dtype(header)
    count = math.prod(shape)
    if count > MAX_VOXELS:
        raise ScanError(
            f"its header claims {' x '.join(map(str, shape))} voxels",
            hints=[f"At most {MAX_VOXELS} are read: it is damaged, or should be resampled before."],
        )
    needed, size = count * dtype.itemsize + _offset(header), path.stat().st_size
    if needed > size * (MAX_RATIO if packed else 1):
        raise ScanError(
            f"it is cut short: the header claims {needed} bytes, the file has {size}",
            hints=["Copy or download it again."],
        )
    _check_slope(header)
    _affine(header)


def _shape(header: Any) -> tuple[int, int, int]:
    """Three spatial dimensions; any further ones are 1."""
    dims = [int(value) for value in header["dim"]]
    rank = dims[0]
    if not 2 <= rank <= 7:
        raise ScanError(f"its header claims {rank} dimensions", hints=["Two or three are expected."])
    shape = dims[1 : rank + 1]
    if any(length < 1 for length in shape):
        raise ScanError(f"its header claims the shape {tuple(shape)}", hints=["Every dimension should be 1 or more."])
    if any(length != 1 for length in shape[3:]):
        raise ScanError(
            f"it has the shape {tuple(shape)}: a series, not one scan",
            hints=["Give each of its volumes a file of its own, or keep one, or their mean."],
        )
    first, second, third = [*shape, 1][:3]
    return first, second, third


def _offset(header: Any) -> int:
    """The byte at which voxels start; 0 in the header means right behind it."""
    offset, first = float(header["vox_offset"]), len(header.binaryblock)
    if offset == 0:
        return first + 4
    if not first <= offset <= MAX_OFFSET:
        raise ScanError(f"its header says that the voxels start at byte {offset:g}")
    return int(offset)


def _dtype(header: Any) -> np.dtype[Any]:
    try:
        dtype = header.get_data_dtype()
    except (KeyError, HeaderDataError) as error:
        raise ScanError(f"its header claims an unknown kind of number, code {int(header['datatype'])}") from error
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        kind = "complex numbers" if dtype.kind == "c" else "colours" if dtype.fields else str(dtype)
        raise ScanError(
            f"its voxels are {kind}", hints=["Save it with one real number a voxel, such as the magnitude, as float32."]
        )
    found: np.dtype[Any] = dtype
    return found


def _check_slope(header: Any) -> None:
    # nibabel takes a slope that is not finite for no slope at all. Zero does mean none.
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if slope != 0 and not (math.isfinite(slope) and math.isfinite(intercept)):
        if math.isnan(slope) and math.isnan(intercept):  # what nibabel itself writes for "not scaled"
            return
        raise ScanError(f"its header scales voxels by {slope:g} and adds {intercept:g}")


def _affine(header: Any) -> np.ndarray:
    zooms = np.asarray(header["pixdim"][1:4], dtype=float)
    rank = int(header["dim"][0])
    if not np.isfinite(zooms).all() or (zooms[: min(rank, 3)] < 0).any():
        raise ScanError(f"its header claims voxels of {' x '.join(f'{zoom:g}' for zoom in zooms)} mm")
    sform, qform = int(header["sform_code"]) > 0, int(header["qform_code"]) > 0
    if not sform and (zooms[: min(rank, 3)] == 0).any():
        raise ScanError("its header gives voxels no size", hints=["Set pixdim, or a valid sform."])
    try:
        affine = np.asarray(header.get_best_affine(), dtype=float)
    except ValueError as error:  # the quaternion is none
        raise ScanError(
            f"its {'qform' if qform else 'sform'} is no rotation: {error}", hints=["Write a valid sform."]
        ) from error
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise ScanError(
            "its affine (sform or qform) does not map voxels to a space in mm",
            hints=[f"It is {np.array2string(affine, precision=3, separator=', ').replace(chr(10), '')}"],
        )
    return affine


def _voxels(file: IO[bytes], header: Any) -> np.ndarray:
    shape, dtype = _shape(header), _dtype(header)
    _take(file, _offset(header) - len(header.binaryblock), "its header extensions")
    raw = _take(file, math.prod(shape) * dtype.itemsize, "its voxels")
    try:
        file.read(1)  # at its end, gzip compares the checksum
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _damaged("its end", error) from error
    voxels = np.frombuffer(raw, dtype=dtype).reshape(shape, order="F")
    slope, intercept = header.get_slope_inter()
    if slope is not None and (slope != 1 or intercept != 0):
        # In float64, so that large integers keep their differences; what overflows is refused below.
        with np.errstate(over="ignore", invalid="ignore"):
            voxels = voxels * np.float64(slope) + np.float64(intercept)
    return (_finite(voxels) if voxels.dtype.kind == "f" else voxels).astype(np.float32)


def _take(file: IO[bytes], count: int, what: str) -> bytes:
    try:
        found = file.read(count)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _damaged(what, error) from error
    if len(found) < count:
        raise ScanError(f"it is cut short in {what}", hints=["Copy or download it again."])
    return found


def _damaged(what: str, error: Exception) -> ScanError:
    return ScanError(f"it is damaged in {what}: {error}", hints=["Copy or download it again."])


def _finite(voxels: np.ndarray) -> np.ndarray:
    """NaN is what SPM and others write outside the field of view: it becomes 0. Infinite voxels are an error."""
    unknown = np.isnan(voxels)
    if unknown.all():
        raise ScanError("none of its voxels is a number")
    if unknown.any():
        voxels = np.where(unknown, 0, voxels)
    largest = float(np.abs(voxels).max())
    if not largest <= MAX_VALUE:
        raise ScanError(
            f"it has voxels of {largest:g}", hints=[f"Up to {MAX_VALUE:g} can be used: is its scl_slope right?"]
        )
    return voxels


def canonical(voxels: np.ndarray, affine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Axes reordered and flipped, nothing resampled: I runs to the right, J to the front, K upwards."""
    orientation = nib.orientations.io_orientation(affine)
    if np.isnan(orientation).any():
        raise ScanError("its affine leaves out an axis")
    turned = nib.orientations.apply_orientation(voxels, orientation)
    affine = affine @ nib.orientations.inv_ornt_aff(orientation, voxels.shape)
    return np.ascontiguousarray(turned)[np.newaxis], affine
