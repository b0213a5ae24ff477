"""Planes of scans as pictures, and pictures beside and above each other with a line of text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

#: Percentiles that are shown black and white.
_WINDOW = (1.0, 99.5)
#: Pixels between pictures, and of a line of text.
GAP, LINE = 4, 14


def windowed(data: np.ndarray) -> np.ndarray:
    """The same shape, from 0 (black) to 1 (white)."""
    low, high = np.percentile(data, _WINDOW)
    shown: np.ndarray = np.clip((data - low) / max(high - low, 1e-6), 0, 1)
    return shown


def planes(
    data: np.ndarray, places: Sequence[int], spacing: Sequence[float] | np.ndarray
) -> list[tuple[np.ndarray, float]]:
    """Upright planes (rows, columns) with the height of their pixels relative to the width.

    :param data: (I, J), which is its own only plane; or (I, J, K), of which it is an axial, a coronal and a sagittal
        one: front or top of the head at the top, the subject's left at the left.
    :param places: the voxel that the planes of a volume go through.
    :param spacing: mm along each axis.
    """
    if data.ndim == 2:
        return [(data, spacing[0] / spacing[1])]
    return [
        (data[:, :, places[2]].T[::-1], spacing[1] / spacing[0]),
        (data[:, places[1], :].T[::-1], spacing[2] / spacing[0]),
        (data[places[0], :, :].T[::-1], spacing[2] / spacing[1]),
    ]


def scaled(picture: np.ndarray, aspect: float, height: int) -> Image.Image:
    """(rows, columns) or (rows, columns, 3) from 0 to 1 as an image, so many pixels high and in proportion."""
    rows, columns = picture.shape[:2]
    width = max(1, round(height * columns / (rows * aspect)))
    return Image.fromarray((picture * 255).round().astype(np.uint8)).resize((width, height), Image.Resampling.BICUBIC)


def beside(images: Sequence[Image.Image]) -> Image.Image:
    """Images of one height and mode in a row."""
    width = sum(image.width for image in images) + GAP * (len(images) - 1)
    found = Image.new(images[0].mode, (width, images[0].height))
    left = 0
    for image in images:
        found.paste(image, (left, 0))
        left += image.width + GAP
    return found


def stacked(images: Sequence[Image.Image]) -> Image.Image:
    """Images of one mode below each other."""
    height = sum(image.height for image in images) + GAP * (len(images) - 1)
    found = Image.new(images[0].mode, (max(image.width for image in images), height))
    top = 0
    for image in images:
        found.paste(image, (0, top))
        top += image.height + GAP
    return found


def labelled(image: Image.Image, text: str) -> Image.Image:
    """An image under a line of text."""
    found = Image.new(image.mode, (image.width, image.height + LINE))
    found.paste(image, (0, LINE))
    ImageDraw.Draw(found).text((2, 1), text, fill="white", font=ImageFont.load_default(11))
    return found
