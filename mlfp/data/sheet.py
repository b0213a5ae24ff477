"""A contact sheet: the middle slices of some scans with their ids, to look at what preprocessing made of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from mlfp.data.chain import Chain
from mlfp.data.files import read_row
from mlfp.data.planes import GAP, beside, labelled, planes, scaled, windowed
from mlfp.data.scans import ScanSet
from mlfp.errors import ScanError, UsageError
from mlfp.execution.progress import Progress, silent
from mlfp.interfaces.dataset import Dataset
from mlfp.types.scan_table import ScanTable


def sheet(scans: ScanSet, *, most: int = 24, columns: int = 3, height: int = 128) -> Image.Image:
    """Draw prepared scans, evenly picked, each with a line that names it.

    A volume is shown as its middle axial, coronal and sagittal slice (front or top of the head at the top, the
    subject's left at the left), a picture as it is, with its channels side by side (three at most).

    :param most: scans to show.
    :param columns: scans beside each other.
    :param height: pixels that each view is high.
    """
    places = _picked(len(scans), most)
    tiles = [
        _tile(scans.arrays([place])[0], scans.spacings[place], _caption(scans.table.row(place)), height)
        for place in places
    ]
    return _grid(tiles, columns)


def sheet_of(
    dataset: Dataset,
    table: ScanTable,
    chain: Chain,
    *,
    most: int = 24,
    columns: int = 3,
    height: int = 128,
    progress: Progress = silent,
) -> Image.Image:
    """As :func:`sheet`, of scans that are not prepared: only those shown are read, and their shapes may differ.

    A scan that cannot be used leaves its tile empty but for its name and ``cannot be used``.
    """
    return _grid(
        [tile for _, tile in tiles(dataset, table, chain, most=most, height=height, progress=progress)], columns
    )


def tiles(
    dataset: Dataset,
    table: ScanTable,
    chain: Chain,
    *,
    most: int = 24,
    height: int = 128,
    progress: Progress = silent,
) -> Iterator[tuple[str, Image.Image]]:
    """The tiles of :func:`sheet_of` one by one, each with its scan's id."""
    places = _picked(len(table), most)
    for done, place in enumerate(places, start=1):
        row = table.row(place)
        try:
            volume = chain(read_row(dataset, row))
            tile = _tile(volume.data, volume.spacing, _caption(row), height)
        except ScanError:  # inspecting the data set says why
            tile = labelled(Image.new("L", (2 * height, height)), f"{_caption(row)}   cannot be used")
        progress("drawing", done, len(places))
        yield str(row["scan"]), tile


def _picked(count: int, most: int) -> list[int]:
    """Evenly spread positions, so that a sorted table shows more than its first subjects."""
    if count == 0:
        raise UsageError("there is no scan to draw")
    return [int(place) for place in np.unique(np.linspace(0, count - 1, min(most, count)).round())]


def _tile(data: np.ndarray, spacing: Sequence[float] | np.ndarray, caption: str, height: int) -> Image.Image:
    return labelled(beside([scaled(*view, height) for view in _views(data, spacing)]), caption)


def _views(data: np.ndarray, spacing: Sequence[float] | np.ndarray) -> list[tuple[np.ndarray, float]]:
    """The three middle planes of a volume's first channel; of a picture, its first three channels."""
    shown = windowed(data)
    if data.ndim == 3:
        return [plane for channel in shown[:3] for plane in planes(channel, (), spacing)]
    return planes(shown[0], [length // 2 for length in shown.shape[1:]], spacing)


def _caption(row: Mapping[str, Any]) -> str:
    return "   ".join(str(row[name]) for name in ("subject", "session", "modality") if row.get(name))


def _grid(pictures: Sequence[Image.Image], columns: int) -> Image.Image:
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    width, height = (max(getattr(item, side) for item in pictures) + 2 * GAP for side in ("width", "height"))
    found = Image.new("L", (width * columns, height * rows), color=40)
    for place, picture in enumerate(pictures):
        found.paste(picture, (place % columns * width + GAP, place // columns * height + GAP))
    return found
