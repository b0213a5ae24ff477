"""Candidate pairs verified: one scan is laid over the other, and over its mirror image.

Mutual information after aligning depends on contrast, scanner and field of view; what is lost of it one voxel beside
the best overlay depends on whether folds lie on folds. That is measured against the same scan mirrored from left to
right, which is as alike as another person can be in all else, and shows other folds. For two people neither overlay is
sharp; for one person the true side is.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mlfp.data import pairs_memo
from mlfp.data.pairs_memo import PairsMemo
from mlfp.data.small import small
from mlfp.errors import MlfpError
from mlfp.execution.local import run
from mlfp.execution.progress import Progress, silent
from mlfp.fingerprints.parts import CONTENT, SOURCE
from mlfp.leaks.material import Material
from mlfp.plugins import registry
from mlfp.types.spec import Spec
from mlfp.types.volume import Volume

#: Raised when what is found changes.
VERSION = 4
#: What a loss of edges' agreement counts for, beside one of mutual information: of 0.25, 0.5, 1, 2, 4, 8 the one that
#: gave true pairs most evidence in brain-v1's calibration (tried by hand). One scanner has one field of view, which
#: makes mutual information sharp, and not folds.
EDGES = 4.0
#: Below this correlation of pixels laid over each other, two images are no near duplicates.
NEAR = 0.99
#: At most this far apart in the scanner's coordinates, two scans were taken without getting up in between.
STILL_DEGREES, STILL_MM, STILL_SCALE = 1.5, 2.0, 0.03
#: The rows of two scans.
Task = tuple[Mapping[str, Any], Mapping[str, Any]]


@dataclass(frozen=True)
class Verified:
    """What laying one scan over the other showed.

    :param mutual: normalised mutual information, 0 to 1.
    :param mirrored: the same with one of them mirrored.
    :param sharpness: what is lost of ``mutual`` one voxel beside, and ``mirrored_sharpness`` of ``mirrored``.
    :param edges: how far edges run alike; ``edge_sharpness`` what is lost of it one voxel beside, and
        ``mirrored_edge_sharpness`` of one of them mirrored.
    :param correlation: of pixels.
    :param overlap: share of the content that falls into the other scan.
    :param angle: degrees between them; ``shift`` and ``displaced`` in mm, the latter in the scanner's coordinates.
    """

    mutual: float
    mirrored: float
    correlation: float
    overlap: float
    angle: float
    shift: float
    scale: float
    displaced: float
    sharpness: float = 0.0
    mirrored_sharpness: float = 0.0
    edges: float = 0.0
    edge_sharpness: float = 0.0
    mirrored_edge_sharpness: float = 0.0
    parameters: tuple[float, ...] = ()
    swapped: bool = False

    @property
    def gain(self) -> float:
        """How much sharper the true side fits: what the calibration goes by.

        The difference, not the ratio: of a pair that fits badly either way, one may be half as bad by chance.
        """
        edges = self.edge_sharpness - self.mirrored_edge_sharpness
        return self.sharpness - self.mirrored_sharpness + EDGES * edges

    @property
    def near_duplicate(self) -> bool:
        """Whether they show nearly the same pixels."""
        return self.correlation >= NEAR and self.overlap > 0.8

    @property
    def still(self) -> bool:
        """Whether the head lay as it did, scanner and all."""
        return self.angle < STILL_DEGREES and self.displaced < STILL_MM and abs(math.log(self.scale)) < STILL_SCALE


def verify(
    material: Material, pairs: Sequence[tuple[int, int]], *, workers: int | None = None, progress: Progress = silent
) -> tuple[dict[tuple[int, int], Verified], dict[tuple[int, int], str]]:
    """Lay pairs over each other; what was done before is taken from the cache.

    :returns: what was found, and why the rest could not be done.
    """
    memo = PairsMemo()
    contents = material.column(CONTENT).astype(str)
    keys = {pair: pairs_memo.key(VERSION, contents[pair[0]], contents[pair[1]]) for pair in pairs}
    found = {pair: _read(values) for pair, values in memo.known(keys).items()}
    left = [pair for pair in pairs if pair not in found]
    failed: dict[tuple[int, int], str] = {}
    rows = {place: dict(material.frame.iloc[place]) for place in {place for pair in left for place in pair}}
    tasks: list[Task] = [(rows[one], rows[two]) for one, two in left]
    for done, (place, result) in enumerate(run(_compare, tasks, workers=workers), start=1):
        pair = left[place]
        if isinstance(result, Verified):
            found[pair] = result
            memo.keep(keys[pair], asdict(result))
        else:
            failed[pair] = result.what if isinstance(result, MlfpError) else f"{type(result).__name__}: {result}"
        progress("verifying", done, len(tasks))
    return found, failed


def _read(values: Mapping[str, Any]) -> Verified:
    return Verified(**{**values, "parameters": tuple(values["parameters"])})


def _compare(task: Task) -> Verified:
    """In a worker process."""
    import torch

    torch.set_num_threads(1)
    return compare(*(loaded(row) for row in task))


def loaded(row: Mapping[str, Any]) -> Volume:
    """A scan of a store, small.

    :raises MlfpError: the store does not know how to read it again, or it cannot be read.
    """
    if not row.get(SOURCE):
        raise MlfpError("its store does not say how to read it again", hints=["Embed it again: mlfp embed"])
    dataset = registry().build("dataset", Spec.parse(json.loads(str(row[SOURCE]))))
    return small(dataset, _row_of(dataset, row), str(row.get(CONTENT, "")))


def _row_of(dataset: Any, row: Mapping[str, Any]) -> Mapping[str, Any]:
    """The whole row where the data set reads scans itself, and may need other columns than are kept here."""
    from mlfp.interfaces.dataset import ReadingDataset

    if not isinstance(dataset, ReadingDataset):
        return row
    table = dataset.table()
    return table.row(int(np.flatnonzero(table.scans == row["scan"])[0]))


def compare(one: Volume, two: Volume) -> Verified:
    """Lay one over the other: the one with less content is looked up in the one with more."""
    import torch

    # It goes uphill by gradients, whatever its caller does without them.
    with torch.inference_mode(mode=False), torch.enable_grad():
        return _compared(one, two)


def _compared(one: Volume, two: Volume) -> Verified:
    from mlfp.leaks import align

    pictures = [picture(one), picture(two)]
    content = [float(item.mask.sum()) * item.spacing**item.dims for item in pictures]
    swapped = content[1] < content[0]
    fixed, moving = reversed(pictures) if swapped else pictures
    best = align.align(fixed, moving)
    # Whichever side was laid over better by luck would seem sharper: the mirrored one is sought as far, and from there.
    start = align.mirrored_start(best.parameters, fixed.dims)
    mirrored = align.align(fixed, moving.mirrored(), start=start)
    values = {name: round(value, 5) for name, value in asdict(best).items() if name != "parameters"}
    return Verified(
        **values, mirrored=round(mirrored.mutual, 5), swapped=swapped,
        mirrored_sharpness=round(mirrored.sharpness, 5),
        mirrored_edge_sharpness=round(mirrored.edge_sharpness, 5),
        parameters=tuple(round(float(value), 5) for value in best.parameters),
    )  # fmt: skip


def picture(volume: Volume) -> Any:
    """A scan as it is aligned; gives an :class:`mlfp.leaks.matching.Picture`."""
    import torch

    from mlfp.leaks.matching import Picture

    mask = volume.data[1] > 0.5
    centre = np.array([places.mean() for places in np.nonzero(mask)])
    world = (volume.affine @ np.append(centre, 1))[:-1]
    spacing = float(volume.spacing[0])
    ordered = np.sort(volume.data[0][mask])
    ranks = np.where(mask, np.searchsorted(ordered, volume.data[0], side="right") / len(ordered), 0).astype(np.float32)
    return Picture(
        torch.from_numpy(volume.data[0]), torch.from_numpy(mask), spacing, world, torch.from_numpy(ranks)
    )  # fmt: skip
