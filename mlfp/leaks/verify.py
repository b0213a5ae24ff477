"""Candidate pairs verified: one scan is laid over the other, and over its mirror image.

Mutual information after aligning depends on contrast, scanner and field of view; so what it says of a pair is measured
against the same scan mirrored from left to right, which is as alike as another person can be in all of that, and shows
other folds. For two people both fit as badly; for one person the true side fits better.
"""

from __future__ import annotations

import contextlib
import json
import math
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mlfp.data.memo import cache_folder
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
VERSION = 1
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
    parameters: tuple[float, ...] = ()
    swapped: bool = False

    @property
    def gain(self) -> float:
        """How much better the true side fits: what the calibration goes by.

        The difference, not the ratio: of a pair that fits badly either way, one may be half as bad by chance.
        """
        return self.mutual - self.mirrored

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
    memo = _Memo()
    contents = material.column(CONTENT).astype(str)
    keys = {pair: _key(contents[pair[0]], contents[pair[1]]) for pair in pairs}
    found = dict(memo.known(keys).items())
    left = [pair for pair in pairs if pair not in found]
    failed: dict[tuple[int, int], str] = {}
    rows = {place: dict(material.frame.iloc[place]) for place in {place for pair in left for place in pair}}
    tasks: list[Task] = [(rows[one], rows[two]) for one, two in left]
    for done, (place, result) in enumerate(run(_compare, tasks, workers=workers), start=1):
        pair = left[place]
        if isinstance(result, Verified):
            found[pair] = result
            memo.keep(keys[pair], result)
        else:
            failed[pair] = result.what if isinstance(result, MlfpError) else f"{type(result).__name__}: {result}"
        progress("verifying", done, len(tasks))
    return found, failed


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
    from mlfp.leaks import align

    pictures = [picture(one), picture(two)]
    content = [float(item.mask.sum()) * item.spacing**item.dims for item in pictures]
    swapped = content[1] < content[0]
    fixed, moving = reversed(pictures) if swapped else pictures
    best = align.align(fixed, moving)
    start = align.mirrored_start(best.parameters, fixed.dims)
    mirrored = align.align(fixed, moving.mirrored(), start=start)
    values = {name: round(value, 5) for name, value in asdict(best).items() if name != "parameters"}
    return Verified(
        **values, mirrored=round(mirrored.mutual, 5), swapped=swapped,
        parameters=tuple(round(float(value), 5) for value in best.parameters),
    )  # fmt: skip


def picture(volume: Volume) -> Any:
    """A scan as it is aligned; gives an :class:`mlfp.leaks.align.Picture`."""
    import torch

    from mlfp.leaks.align import Picture

    mask = volume.data[1] > 0.5
    centre = np.array([places.mean() for places in np.nonzero(mask)])
    world = (volume.affine @ np.append(centre, 1))[:-1]
    spacing = float(volume.spacing[0])
    return Picture(torch.from_numpy(volume.data[0]), torch.from_numpy(mask), spacing, world)


def _key(one: str, two: str) -> str:
    return f"{VERSION}:{min(one, two)}:{max(one, two)}:{int(one > two)}" if one and two else ""


class _Memo:
    """Pairs that were laid over each other, in one SQLite file in the cache folder."""

    def __init__(self) -> None:
        self.path = cache_folder() / "verified-1.sqlite"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._connected() as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS pairs (key TEXT PRIMARY KEY, found TEXT) WITHOUT ROWID")

    def known(self, keys: Mapping[tuple[int, int], str]) -> dict[tuple[int, int], Verified]:
        """Those that are there."""
        found = {}
        with self._connected() as connection:
            for pair, key in keys.items():
                row = connection.execute("SELECT found FROM pairs WHERE key = ?", (key,)).fetchone() if key else None
                if row is not None:
                    values = json.loads(row[0])
                    found[pair] = Verified(**{**values, "parameters": tuple(values["parameters"])})
        return found

    def keep(self, key: str, found: Verified) -> None:
        """Write one down."""
        if key:
            with self._connected() as connection:
                connection.execute("INSERT OR REPLACE INTO pairs VALUES (?, ?)", (key, json.dumps(asdict(found))))

    @contextlib.contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self.path, timeout=60)
        try:
            with connection:
                yield connection
        except sqlite3.Error as error:
            raise MlfpError(
                f"the cache cannot be used: {error}", where=str(self.path),
                hints=["Name a folder that you may write to: export MLFP_CACHE=/some/folder"],
            ) from error  # fmt: skip
        finally:
            connection.close()
