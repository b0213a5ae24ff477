"""The files of one DICOM series to one volume."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset as Header

from mlfp.data.nifti import MAX_VOXELS, canonical
from mlfp.errors import ScanError

#: Raised when the numbers change.
VERSION = 1
#: Slices may lie so much nearer or further apart than their median.
_NEAR, _FAR = 0.5, 1.5
#: Between directions that count as one.
_SAME = 1e-3


@dataclass(frozen=True)
class Plane:
    """One picture in space.

    :param pixels: (rows, columns) float32.
    :param position: (3,) mm of the first pixel, in the patient's left, back and head (LPS); None where unknown.
    :param directions: (2, 3) unit vectors along a row, and along a column.
    :param spacing: mm between rows, and between columns.
    :param thickness: mm.
    """

    pixels: np.ndarray
    position: np.ndarray | None
    directions: np.ndarray
    spacing: tuple[float, float]
    thickness: float


def read(files: Sequence[Path]) -> tuple[np.ndarray, np.ndarray]:
    """Voxels and affine of a series: ``(1, I, J, K)`` in RAS order with mm, or ``(1, I, J)`` for a picture.

    :raises ScanError: a file cannot be read, or they do not make up one volume.
    """
    planes = [plane for file in files for plane in _planes(file)]
    placed = [plane for plane in planes if plane.position is not None]
    if not placed or len(planes) == 1:
        if len(planes) > 1:
            raise ScanError(
                f"its {len(planes)} pictures do not say where they lie", hints=["Use one picture a series."]
            )
        return planes[0].pixels[np.newaxis], np.diag([*planes[0].spacing, 1.0])
    if len(placed) < len(planes):
        raise ScanError(f"{len(planes) - len(placed)} of its {len(planes)} pictures do not say where they lie")
    return _volume(placed)


def says_so(file: Path) -> bool:
    """Whether a file begins as DICOM does: 128 bytes of anything, and DICM."""
    try:
        if not file.is_file():  # a pipe would keep whoever reads it waiting for ever
            return False
        with file.open("rb") as opened:
            return opened.read(132)[128:] == b"DICM"
    except OSError:
        return False


def _planes(file: Path) -> list[Plane]:
    try:
        header = pydicom.dcmread(file)
        pixels = header.pixel_array
    except Exception as error:  # pydicom and its decoders raise whatever the damage leads to
        raise ScanError(
            f"its pixels cannot be read: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}",
            where=str(file),
            hints=["Compressed pixels may need a decoder: pip install pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg"],
        ) from error
    if int(header.get("SamplesPerPixel", 1)) != 1:
        raise ScanError("it is coloured", where=str(file))
    frames = pixels[np.newaxis] if pixels.ndim == 2 else pixels
    if frames.size > MAX_VOXELS:
        raise ScanError(f"it has {frames.size} voxels, more than are read", where=str(file))
    return [_plane(header, number, frame) for number, frame in enumerate(frames)]


def _plane(header: Header, number: int, pixels: np.ndarray) -> Plane:
    told = _told(header, number)
    position, orientation = told("ImagePositionPatient"), told("ImageOrientationPatient")
    spacing = told("PixelSpacing") or told("ImagerPixelSpacing") or (1.0, 1.0)
    slope, intercept = float(told("RescaleSlope") or 1), float(told("RescaleIntercept") or 0)
    shown = pixels.astype(np.float32) * np.float32(slope) + np.float32(intercept)
    if header.get("PhotometricInterpretation") == "MONOCHROME1":  # the brightest pixel is shown black
        shown = shown.max() + shown.min() - shown
    return Plane(
        shown,
        None if position is None or orientation is None else np.asarray(position, dtype=float),
        np.asarray(orientation or (1, 0, 0, 0, 1, 0), dtype=float).reshape(2, 3),
        (float(spacing[0]), float(spacing[1])),
        float(told("SpacingBetweenSlices") or told("SliceThickness") or 1),
    )


def _told(header: Header, number: int) -> Any:
    """Looks a keyword up: of a multi-frame file in the groups of the frame, and of all frames, first."""
    places: list[Any] = []
    for groups, place in (("PerFrameFunctionalGroupsSequence", number), ("SharedFunctionalGroupsSequence", 0)):
        for sequence in header.get(groups, [])[place : place + 1]:
            places += [item.value[0] for item in sequence if item.VR == "SQ" and item.value]
    places.append(header)

    def look(keyword: str) -> Any:
        return next((place.get(keyword) for place in places if place.get(keyword) is not None), None)

    return look


def _volume(planes: list[Plane]) -> tuple[np.ndarray, np.ndarray]:
    first = planes[0]
    for plane in planes:
        if plane.pixels.shape != first.pixels.shape or np.abs(plane.directions - first.directions).max() > _SAME:
            raise ScanError("its pictures differ in shape or direction: a localiser, or several series in one")
    normal = np.cross(*first.directions)
    positions = np.array([plane.position for plane in planes])
    order = np.argsort(positions @ normal, kind="stable")
    positions = positions[order]
    _check_gaps(np.diff(positions @ normal))
    step = (positions[-1] - positions[0]) / (len(planes) - 1)
    rows, columns = first.spacing
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = first.directions[0] * columns, first.directions[1] * rows
    affine[:3, 2], affine[:3, 3] = step, positions[0]
    voxels = np.stack([planes[place].pixels.T for place in order], axis=-1)
    return canonical(voxels, np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine)


def _check_gaps(gaps: np.ndarray) -> None:
    usual = float(np.median(gaps))
    if usual <= 0 or (gaps < _NEAR * usual).any():
        raise ScanError(
            "several of its pictures lie at one place: echoes or points in time in one series",
            hints=["Convert it with dcm2niix, which takes them apart."],
        )
    lost = int(np.round(gaps[gaps > _FAR * usual] / usual - 1).sum())
    if lost:
        raise ScanError(f"{lost} of its slices are missing: its pictures lie {usual:g} mm apart, but for gaps")
