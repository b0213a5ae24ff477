"""One scan's pixels in memory."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np


@dataclass(frozen=True)
class Volume:
    """Pixels of one scan, with the way from voxel index to world.

    :param data: ``(C, I, J, K)`` in RAS order for a volume, ``(C, I, J)`` for a picture (I down the rows).
    :param affine: ``(n + 1, n + 1)`` for n spatial axes: voxel index to mm. The identity when nothing is known.
    :param scan: the scan's id: it names the scan in errors, and seeds what is drawn per scan.
    """

    data: np.ndarray
    affine: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    scan: str = ""

    def __post_init__(self) -> None:
        if self.affine.size == 0:
            object.__setattr__(self, "affine", np.eye(self.spatial_dims + 1))

    @property
    def spatial_dims(self) -> int:
        """2 for a picture, 3 for a volume."""
        return self.data.ndim - 1

    @property
    def shape(self) -> tuple[int, ...]:
        """Spatial shape in voxels."""
        return tuple(self.data.shape[1:])

    @property
    def spacing(self) -> tuple[float, ...]:
        """Voxel size in mm along each axis."""
        directions = self.affine[:-1, :-1]
        return tuple(float(length) for length in np.linalg.norm(directions, axis=0))

    def with_data(self, data: np.ndarray, *, affine: np.ndarray | None = None) -> Volume:
        """The same scan with other pixels and, if they lie elsewhere, another affine."""
        return replace(self, data=data, affine=self.affine if affine is None else affine)
