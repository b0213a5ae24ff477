"""Small pictures of the scans that a report shows, kept with the results so that it can be drawn without the data."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mlfp.bench import neighbours
from mlfp.types.scan_table import ScanTable

if TYPE_CHECKING:
    from PIL.Image import Image

    from mlfp.bench.execute import Workshop
    from mlfp.data.scans import ScanSet

FILE = "pictures.parquet"
#: Pixels of the longer side.
SIZE = 96
#: Queries of each method and evaluation whose neighbours are shown.
STRIPS = 8
#: Scans on a map of fingerprints, at most.
MAPPED = 400
_COLUMNS = ("chain", "scan", "width", "height", "jpeg")
#: What is darker or brighter than this share of the pixels is black or white.
_DARKEST, _BRIGHTEST = 0.5, 99.5
#: Share of the pixels from which on those that equal the corner are the surround.
_SURROUND = 0.05


def keep(workshop: Workshop, folder: Path, runs: Iterable[Path]) -> None:
    """Make the pictures that are missing.

    :param folder: of the results.
    :param runs: folders of the runs that are done.
    """
    before = read_frame(folder)
    there = set(zip(before["chain"], before["scan"], strict=True))
    places = {
        (scans.chain, str(scan)): (scans, place)
        for scans in _sources(workshop)
        for place, scan in enumerate(scans.table.scans)
    }
    wanted = _wanted(workshop, runs) - there
    fresh = [_row(*places[key]) for key in sorted(wanted) if key in places]
    if fresh:
        both = pd.concat([*([] if before.empty else [before]), pd.DataFrame(fresh)], ignore_index=True)
        draft = folder / f".{FILE}.{os.getpid()}"
        both.to_parquet(draft, index=False)
        draft.replace(folder / FILE)


def read_frame(folder: Path) -> pd.DataFrame:
    """The pictures kept with results: ``chain`` and ``scan`` to a JPEG; empty where there are none."""
    path = folder / FILE
    return pd.read_parquet(path) if path.is_file() else pd.DataFrame(columns=list(_COLUMNS))


def mapped(table: ScanTable, most: int = MAPPED) -> np.ndarray:
    """Positions of the scans on a map: whole subjects with several scans, in an order that knows nothing of results."""
    subjects, counts = np.unique(table.subjects.astype(str), return_counts=True)
    able = subjects[counts > 1].astype(object)
    able = able[np.argsort(pd.util.hash_array(able), kind="stable")] if len(able) else able
    sizes = dict(zip(subjects, counts, strict=True))
    total = 0
    chosen: set[str] = set()
    for subject in able:
        if chosen and total + sizes[subject] > most:
            break
        chosen.add(subject)
        total += sizes[subject]
    return np.flatnonzero([str(subject) in chosen for subject in table.subjects])


def _wanted(workshop: Workshop, runs: Iterable[Path]) -> set[tuple[str, str]]:
    shown = workshop.shown
    wanted = {(shown.chain, str(scan)) for scan in shown.table.scans[mapped(shown.table)]}
    for folder in runs:
        for _, frame in neighbours.read(folder).groupby("evaluation"):
            for part in neighbours.worst_first(frame, STRIPS):
                wanted.add((str(part["query_chain"].iloc[0]), str(part["query"].iloc[0])))
                wanted |= {
                    (str(part["gallery_chain"].iloc[0]), str(scan)) for scan in (*part["scan"], part["mate"].iloc[0])
                }
    return wanted


def _sources(workshop: Workshop) -> Iterable[ScanSet]:
    yield workshop.shown
    for place in workshop.all:
        for evaluation in workshop.config.evaluations:
            yield place.queries(evaluation)
            yield place.gallery(evaluation)


def _row(scans: ScanSet, place: int) -> Mapping[str, Any]:
    pixels = scans.arrays([place])[0]
    width, height, jpeg = picture(pixels, tuple(scans.spacings[place]))
    return {"chain": scans.chain, "scan": str(scans.table.scans[place]), "width": width, "height": height, "jpeg": jpeg}


def picture(pixels: np.ndarray, spacing: tuple[float, ...]) -> tuple[int, int, bytes]:
    """Width, height and JPEG of a scan: a picture as it is, of a volume its middle axial slice, front up.

    :param pixels: (C, rows, columns), or (C, I, J, K) in RAS order; of several channels the middle one is shown.
    :param spacing: voxel size along each spatial axis, so that nothing looks stretched.
    """
    shown = sized(*middle(pixels, spacing))
    content = io.BytesIO()
    shown.save(content, "JPEG", quality=85, optimize=True)
    return shown.width, shown.height, content.getvalue()


def middle(
    pixels: np.ndarray, spacing: tuple[float, ...], *, window: bool = True
) -> tuple[np.ndarray, tuple[float, float]]:
    """(rows, columns) that are shown of a scan, and the size of their pixels: down, across.

    :param pixels: as :func:`picture` takes them.
    :param window: bring values to 0 (black) to 1 (white); else they stay as they are.
    """
    plane, (down, across) = pixels[len(pixels) // 2], spacing[:2]
    if plane.ndim == 3:
        plane, (across, down) = plane[:, :, plane.shape[2] // 2].T[::-1], spacing[:2]
    return grey(plane) if window else plane, (down, across)


def sized(plane: np.ndarray, spacing: tuple[float, float]) -> Image:
    """An image of the size of a thumbnail.

    :param plane: (rows, columns), or (rows, columns, 3), from 0 to 1.
    :param spacing: size of its pixels, down and across.
    """
    from PIL import Image as PillowImage

    lengths = np.array([plane.shape[1] * spacing[1], plane.shape[0] * spacing[0]])
    width, height = np.maximum(np.round(lengths * SIZE / lengths.max()), 1).astype(int).tolist()
    whole = PillowImage.fromarray((plane * 255).round().astype(np.uint8))
    return whole.resize((width, height), PillowImage.Resampling.BICUBIC)


def grey(pixels: np.ndarray) -> np.ndarray:
    """(*spatial) from 0 to 1; an even surround that is neither the darkest nor the brightest is shown black.

    What lies around a head that was normalised within its mask is 0, and would be grey.
    """
    corner = pixels.flat[0]
    around = _at_border(pixels == corner)
    inside = pixels[~around] if not around.all() else pixels
    low, high = np.percentile(inside, [_DARKEST, _BRIGHTEST])
    shown: np.ndarray = np.clip((pixels - low) / max(high - low, 1e-12), 0, 1)
    if around.mean() > _SURROUND and low < corner < high:
        shown[around] = 0
    return shown


def _at_border(mask: np.ndarray) -> np.ndarray:
    """Those parts of a mask that reach the border: within a head, tissue may have the very value of the air."""
    from scipy import ndimage

    labels, _ = ndimage.label(mask)
    edge = np.ones(mask.shape, bool)
    edge[tuple(slice(1, -1) for _ in mask.shape)] = False
    reaching: np.ndarray = np.isin(labels, np.setdiff1d(labels[edge], 0))
    return reaching
