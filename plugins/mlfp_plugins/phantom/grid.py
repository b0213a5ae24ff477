"""The voxel grid that phantoms are drawn on: a box around the MNI152 brain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Size of the box in mm, along right, anterior and superior: the MNI152 brain is 145 x 181 x 155 mm.
EXTENT = (160.0, 190.0, 160.0)
#: Middle of the MNI152 brain, in MNI mm.
CENTRE = (0.0, -17.0, 5.0)


@dataclass(frozen=True)
class Grid:
    """Cubic voxels in RAS order.

    :param spacing: voxel size in mm. The default of 2.5 gives 64 x 76 x 64 voxels.
    """

    spacing: float = 2.5

    @property
    def shape(self) -> tuple[int, int, int]:
        """(I, J, K) voxels."""
        across, along, up = (round(extent / self.spacing) for extent in EXTENT)
        return across, along, up

    @property
    def affine(self) -> np.ndarray:
        """(4, 4) voxel index to MNI mm."""
        affine = np.diag([self.spacing, self.spacing, self.spacing, 1.0])
        affine[:3, 3] = np.array(CENTRE) - self.spacing * (np.array(self.shape) - 1) / 2
        return affine

    def axes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """MNI coordinates in mm, (I, 1, 1), (1, J, 1) and (1, 1, K) float32."""
        origin = self.affine[:3, 3]
        lines = [
            (first + self.spacing * np.arange(size)).astype(np.float32)
            for first, size in zip(origin, self.shape, strict=True)
        ]
        return lines[0][:, None, None], lines[1][None, :, None], lines[2][None, None, :]
