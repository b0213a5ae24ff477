"""A map over its image, as PNG and as NIfTI."""

from __future__ import annotations

import gzip
import io
from collections.abc import Sequence
from pathlib import Path

import nibabel as nib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mlfp.fingerprints.files import write_atomically
from mlfp.types.volume import Volume

#: Dark to bright, as matplotlib's inferno.
_COLOURS = np.array([(0, 0, 4), (66, 10, 104), (147, 38, 103), (221, 81, 58), (252, 165, 10), (252, 255, 164)], float)
#: How much of the colour covers the image where the map is 1.
_OPAQUE = 0.75
#: Percentiles that are shown black and white.
_WINDOW = (1.0, 99.5)
_HEIGHT, _GAP, _LINE = 180, 6, 18


def draw(volume: Volume, shown: np.ndarray, caption: str) -> Image.Image:
    """A scan and its map, as :func:`laid_over` shows them, with a line of text above."""
    return _labelled(laid_over(volume, shown), caption)


def laid_over(volume: Volume, shown: np.ndarray, *, height: int = _HEIGHT) -> Image.Image:
    """The image, and below it the same under the map: three planes through the map's centre, or the picture.

    :param volume: ``(C, *spatial)``; the middle channel is drawn.
    :param shown: (*spatial), from 0 to 1.
    :param height: of each plane, in pixels.
    """
    image = volume.data[volume.data.shape[0] // 2]
    low, high = np.percentile(image, _WINDOW)
    grey = np.clip((image - low) / max(high - low, 1e-6), 0, 1)
    places = centre(shown)
    tops, bottoms = [], []
    for (picture, aspect), (heat, _) in zip(
        _planes(grey, places, volume.spacing), _planes(shown, places, volume.spacing), strict=True
    ):
        tops.append(_sized(np.repeat(picture[..., None], 3, -1), aspect, height))
        bottoms.append(_sized(covered(picture, heat), aspect, height))
    return _stacked([_beside(tops), _beside(bottoms)])


def draw_elements(volume: Volume, maps: Sequence[np.ndarray], caption: str, columns: int = 8) -> Image.Image:
    """Maps of single elements, one beside the other, over the middle axial plane or the picture."""
    image = volume.data[volume.data.shape[0] // 2]
    low, high = np.percentile(image, _WINDOW)
    grey = np.clip((image - low) / max(high - low, 1e-6), 0, 1)
    places = tuple(length // 2 for length in grey.shape)
    picture, aspect = _planes(grey, places, volume.spacing)[0]
    tiles = [_sized(covered(picture, _planes(item, places, volume.spacing)[0][0]), aspect, 100) for item in maps]
    rows = [_beside(tiles[first : first + columns]) for first in range(0, len(tiles), columns)]
    return _labelled(_stacked(rows), caption)


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


def _planes(data: np.ndarray, places: Sequence[int], spacing: Sequence[float]) -> list[tuple[np.ndarray, float]]:
    """Upright planes (rows, columns) with the height of their pixels relative to the width."""
    if data.ndim == 2:
        return [(data, spacing[0] / spacing[1])]
    return [
        (data[:, :, places[2]].T[::-1], spacing[1] / spacing[0]),
        (data[:, places[1], :].T[::-1], spacing[2] / spacing[0]),
        (data[places[0], :, :].T[::-1], spacing[2] / spacing[1]),
    ]


def _sized(picture: np.ndarray, aspect: float, height: int = _HEIGHT) -> Image.Image:
    rows, columns, _ = picture.shape
    width = max(1, round(height * columns / (rows * aspect)))
    return Image.fromarray((picture * 255).round().astype(np.uint8)).resize((width, height), Image.Resampling.BICUBIC)


def _beside(images: Sequence[Image.Image]) -> Image.Image:
    found = Image.new("RGB", (sum(item.width for item in images) + _GAP * (len(images) - 1), images[0].height))
    left = 0
    for item in images:
        found.paste(item, (left, 0))
        left += item.width + _GAP
    return found


def _stacked(images: Sequence[Image.Image]) -> Image.Image:
    found = Image.new("RGB", (max(item.width for item in images), sum(item.height + _GAP for item in images) - _GAP))
    top = 0
    for item in images:
        found.paste(item, (0, top))
        top += item.height + _GAP
    return found


def _labelled(image: Image.Image, text: str) -> Image.Image:
    found = Image.new("RGB", (image.width, image.height + _LINE))
    found.paste(image, (0, _LINE))
    ImageDraw.Draw(found).text((3, 2), text, fill=(255, 255, 255), font=ImageFont.load_default(12))
    return found
