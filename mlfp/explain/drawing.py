"""A map over its image, as PNG and as NIfTI."""

from __future__ import annotations

import gzip
import io
from collections.abc import Sequence
from pathlib import Path

import nibabel as nib
import numpy as np
from PIL import Image

from mlfp.data.planes import beside, labelled, planes, scaled, stacked, windowed
from mlfp.execution.files import write_atomically
from mlfp.types.volume import Volume

#: Dark to bright, as matplotlib's inferno.
_COLOURS = np.array([(0, 0, 4), (66, 10, 104), (147, 38, 103), (221, 81, 58), (252, 165, 10), (252, 255, 164)], float)
#: How much of the colour covers the image where the map is 1.
_OPAQUE = 0.75
#: From this percentile of its values on a map is drawn in full: a few voxels may have many times what others have, and
#: would leave these in the dark.
_FULL = 99.9
#: Of each plane, in pixels; and where a map of every element has one.
_HEIGHT, _SMALL = 180, 100


def draw(volume: Volume, shown: np.ndarray, caption: str) -> Image.Image:
    """A scan and its map, as :func:`laid_over` shows them, with a line of text above."""
    return labelled(laid_over(volume, shown), caption)


def laid_over(volume: Volume, shown: np.ndarray, *, height: int = _HEIGHT) -> Image.Image:
    """The image, and below it the same under the map: three planes through the map's centre, or the picture.

    :param volume: ``(C, *spatial)``; the middle channel is drawn.
    :param shown: (*spatial), from 0 to 1.
    :param height: of each plane, in pixels.
    """
    grey = windowed(volume.data[volume.data.shape[0] // 2])
    places = centre(shown)
    tops, bottoms = [], []
    for (picture, aspect), (heat, _) in zip(
        planes(grey, places, volume.spacing), planes(shown, places, volume.spacing), strict=True
    ):
        tops.append(scaled(np.repeat(picture[..., None], 3, -1), aspect, height))
        bottoms.append(scaled(covered(picture, heat), aspect, height))
    return stacked([beside(tops), beside(bottoms)])


def lit(shown: np.ndarray) -> np.ndarray:
    """A map from 0 to 1 as it is drawn: in full from a high percentile on."""
    full = float(np.percentile(shown, _FULL))
    found: np.ndarray = np.minimum(shown / full, 1) if full > 0 else shown
    return found


def draw_elements(volume: Volume, maps: Sequence[np.ndarray], caption: str, columns: int = 8) -> Image.Image:
    """Maps of single elements, one beside the other, over the middle axial plane or the picture."""
    grey = windowed(volume.data[volume.data.shape[0] // 2])
    places = tuple(length // 2 for length in grey.shape)
    picture, aspect = planes(grey, places, volume.spacing)[0]
    tiles = [scaled(covered(picture, planes(item, places, volume.spacing)[0][0]), aspect, _SMALL) for item in maps]
    rows = [beside(tiles[first : first + columns]) for first in range(0, len(tiles), columns)]
    return labelled(stacked(rows), caption)


def centre(shown: np.ndarray) -> tuple[int, ...]:
    """The voxel in the middle of a map's mass; of the image, where there is none."""
    total = float(shown.sum())
    if total <= 0:
        return tuple(length // 2 for length in shown.shape)
    axes = np.indices(shown.shape).reshape(shown.ndim, -1)
    return tuple(round(float(place)) for place in axes @ shown.ravel() / total)


def covered(picture: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """(rows, columns, 3) from 0 to 1: a grey picture under a map, the more covered the larger it is."""
    stops = np.linspace(0, 1, len(_COLOURS))
    colour = np.stack([np.interp(heat, stops, _COLOURS[:, channel]) for channel in range(3)], axis=-1) / 255
    opaque = (_OPAQUE * heat)[..., None]
    found: np.ndarray = (1 - opaque) * picture[..., None] + opaque * colour
    return found


def write_map(path: Path, data: np.ndarray, volume: Volume) -> None:
    """(*spatial) float32 as NIfTI where its volume lies; a picture as one slice of its own spacing."""
    affine = volume.affine if volume.spatial_dims == 3 else np.diag([*volume.spacing, 1.0, 1.0])
    image = nib.nifti1.Nifti1Image(data.astype(np.float32).reshape(*data.shape, *(1,) * (3 - data.ndim)), affine)
    image.header.set_xyzt_units("mm")
    write_atomically(path, gzip.compress(image.to_bytes(), compresslevel=1, mtime=0))


def write_picture(path: Path, picture: Image.Image) -> None:
    """Write a PNG."""
    content = io.BytesIO()
    picture.save(content, "PNG")
    write_atomically(path, content.getvalue())
