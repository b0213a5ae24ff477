"""New identities of old ones: any data set, its subjects warped into further people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd

from mlfp.data.files import read_row
from mlfp.data.masks import air, foreground
from mlfp.errors import ParameterError, ScanError
from mlfp.interfaces.dataset import Dataset
from mlfp.seeds import torch_generator
from mlfp.types.scan_table import ScanTable
from mlfp.types.spec import Spec
from mlfp.types.volume import Volume
from mlfp_plugins.datasets.derived import base_of, keys

#: The cube, about the head's centre, in which things are moved: its side in mm, or in longest sides of the picture.
_EXTENT = {"mm": 320.0, "fraction": 1.6}
#: Points along each side of it at which the flow is followed.
_POINTS = 33


@dataclass(frozen=True)
class Warped:
    """Another data set, and each of its subjects so many times more, as people with another anatomy.

    A smooth, invertible warp (the flow of a random velocity, as in ``identity-warp``) makes a further person of
    a subject, the same in all of the subject's scans, about the centre of what is in the image. They keep what the
    scans share, so that they serve to enlarge a small data set, to train on or as distractors. Those made of one
    subject have it in ``group``: split with ``by: group``.

    :param dataset: of which it is made: ``{use: manifest, path: scans.csv}``.
    :param copies: further people a subject.
    :param originals: keep the subjects themselves.
    :param strength: root mean square of the velocity along each axis, in ``unit``: about the displacement. With 4 mm
        heads look like heads and are well on their way to a stranger; with 6 they are as unlike as strangers are, and
        have dents; no skull is like one of 8 (benchmarks/warp_strength.py measures it).
    :param smoothness: distance of the velocity's control points in ``unit``.
    :param unit: ``mm``, or ``fraction`` of the image's longest side: 0.03 and 0.15 suit X-rays.
    :param seed: another seed, other people.
    """

    dataset: Spec
    copies: int = 1
    originals: bool = True
    strength: float = 4.0
    smoothness: float = 40.0
    unit: Literal["mm", "fraction"] = "mm"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.copies < 1:
            raise ParameterError(f"warped: copies should be 1 or more, got {self.copies}", key=("copies",))
        for name in ("strength", "smoothness"):
            if getattr(self, name) <= 0:
                raise ParameterError(f"warped: {name} should be above 0, got {getattr(self, name)}", key=(name,))
        if self.smoothness < _EXTENT[self.unit] / (_POINTS - 1):
            least = _EXTENT[self.unit] / (_POINTS - 1)
            raise ParameterError(f"warped: smoothness should be {least:g} {self.unit} or more", key=("smoothness",))

    @cached_property
    def _base(self) -> Dataset:
        return base_of(self.dataset)

    @cached_property
    def _keys(self) -> dict[str, str]:
        return keys(self._base)

    def table(self) -> ScanTable:
        """The other data set's rows; with ``~1``, ``~2``, ... after scan and subject, those of the further people."""
        table = self._base.table()
        group = table.frame["group"] if "group" in table.columns else table.frame["subject"]
        frame = table.frame.assign(of_scan=table.frame["scan"], of_subject=table.frame["subject"], copy="0")
        frame = frame.assign(group=group.where(group != "", table.frame["subject"]))
        parts = [frame] if self.originals else []
        for copy in range(1, self.copies + 1):
            names = {name: frame[name] + f"~{copy}" for name in ("scan", "subject")}
            parts.append(frame.assign(copy=str(copy), **names))
        return ScanTable(pd.concat(parts), source=f"warped {table.source}", remarks=table.remarks)

    def read(self, row: Mapping[str, Any]) -> Volume:
        """The scan, moved as its subject is.

        :raises ScanError: the other data set cannot give it.
        """
        source = {**row, "scan": row["of_scan"], "subject": row["of_subject"]}
        volume = read_row(self._base, source)
        if row["copy"] == "0":
            return volume
        moved = self._moved(volume, str(row["of_subject"]), str(row["copy"]))
        return Volume(moved, volume.affine, str(row["scan"]))

    def key(self, row: Mapping[str, Any]) -> str:
        """The other data set's key of the scan, and what moves it."""
        key = self._keys.get(str(row["of_scan"]))
        if key is None:
            raise ScanError(f"{self.dataset.use} has no scan {row['of_scan']!r}")
        if row["copy"] == "0":
            return key
        amount = (self.strength, self.smoothness, self.unit, self.seed)
        return f"warped 1;{amount};{row['of_subject']};{row['copy']};{key}"

    def _moved(self, volume: Volume, subject: str, copy: str) -> np.ndarray:
        import torch

        from mlfp.training.maps import centred_grid, sample

        dims = volume.spatial_dims
        scale = max(np.multiply(volume.shape, volume.spacing)) if self.unit == "fraction" else 1.0
        matrix = torch.from_numpy(volume.affine[:dims, :dims]).float() / float(scale)
        grid = centred_grid(volume.shape)
        # Where each voxel lies about the head's centre, in mm or longest sides, along the axes of the scanner.
        places = (grid - torch.from_numpy(_centre(volume)).float()) @ matrix.T
        step = _EXTENT[self.unit] / (_POINTS - 1)
        by = sample(self._displacement(subject, copy, dims), (places / step)[None])[0].movedim(0, -1) * step
        points = grid + by @ torch.linalg.inv(matrix).T
        data = torch.from_numpy(volume.data.astype(np.float32))
        outside = torch.tensor([[air(channel) for channel in volume.data]])
        found: np.ndarray = sample(data[None], points[None], outside)[0].numpy()
        return found

    def _displacement(self, subject: str, copy: str, dims: int) -> Any:
        """``(1, n, *points)`` in steps of the cube's grid."""
        from mlfp_plugins.augmentations.identity_warp import unfolded
        from mlfp_plugins.augmentations.smooth import control_points, deviation, spread

        step = _EXTENT[self.unit] / (_POINTS - 1)
        count = control_points(_EXTENT[self.unit], self.smoothness)
        import torch

        generator = torch_generator(self.seed, "warped", subject, copy)
        coefficients = torch.randn((1, dims, *[count] * dims), generator=generator)
        velocity = spread(coefficients * (self.strength / deviation(dims) / step), [_POINTS] * dims)
        return unfolded(velocity)


def _centre(volume: Volume) -> np.ndarray:
    """(n,) voxels from the image's centre to that of what is in it."""
    mask = foreground(volume.data)
    if not mask.any():
        return np.zeros(volume.spatial_dims)
    found: np.ndarray = np.argwhere(mask).mean(axis=0) - (np.asarray(volume.shape) - 1) / 2
    return found
