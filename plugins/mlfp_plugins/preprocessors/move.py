"""The subject lying elsewhere in the scanner."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from mlfp.data.masks import air
from mlfp.errors import ParameterError
from mlfp.seeds import numpy_generator
from mlfp.types.volume import Volume
from mlfp_plugins.preprocessors.disturb import negated


@dataclass(frozen=True)
class Move:
    """Rotate, scale and shift the content about the centre of the field of view; the grid stays where it is.

    Drawn uniformly for every scan, from the seed and the scan's id. Values are interpolated linearly; what comes in
    from outside is air (the median of the scan's border).

    :param rotate: up to so many degrees, about each axis (pictures: in their plane), either way.
    :param shift: up to so many mm along each axis, either way.
    :param scale: up to this share larger or smaller, the same along all axes.
    :param seed: another seed gives other draws.
    :param negative: share of the scans that are inverted too, bright for dark inside the head: another contrast.
    """

    rotate: float = 0.0
    shift: float = 0.0
    scale: float = 0.0
    seed: int = 0
    negative: float = 0.0

    def __post_init__(self) -> None:
        for name in ("rotate", "shift", "scale"):
            value = getattr(self, name)
            if not value >= 0 or (name == "scale" and value >= 1):
                limits = "from 0 to below 1" if name == "scale" else "not below 0"
                raise ParameterError(f"{name} is a largest amount, {limits}; got {value}", key=(name,))
        if not 0 <= self.negative <= 1:
            raise ParameterError(f"negative is a share, from 0 to 1; got {self.negative}", key=("negative",))

    def __call__(self, volume: Volume) -> Volume:
        """Move one scan, all channels together."""
        affine = volume.affine
        # Where in the old grid each voxel of the (same) new grid finds its value.
        back = np.linalg.inv(affine) @ np.linalg.inv(self.matrix(volume)) @ affine
        found = np.stack(
            [
                ndimage.affine_transform(channel, back, order=1, mode="constant", cval=air(channel))
                for channel in volume.data.astype(np.float32)
            ]
        )
        # Another stream than the places': whether a scan is inverted leaves where it lies.
        if numpy_generator(self.seed, "move", "negative", volume.scan).random() < self.negative:
            found = negated(found)
        return volume.with_data(found)

    def matrix(self, volume: Volume) -> np.ndarray:
        """(n + 1, n + 1): a point of the scan in mm to where the scan's draw moves it."""
        dims = volume.spatial_dims
        generator = numpy_generator(self.seed, "move", volume.scan)
        angles = np.deg2rad(generator.uniform(-self.rotate, self.rotate, 3))
        shift = generator.uniform(-self.shift, self.shift, 3)[:dims]
        scale = 1 + generator.uniform(-self.scale, self.scale)
        rotation = _rotation_2d(angles[0]) if dims == 2 else _rotation_3d(angles)
        centre = volume.affine @ np.append((np.asarray(volume.shape) - 1) / 2, 1)
        found = np.eye(dims + 1)
        found[:dims, :dims] = scale * rotation
        found[:dims, dims] = centre[:dims] + shift - found[:dims, :dims] @ centre[:dims]
        return found


def _rotation_2d(angle: float) -> np.ndarray:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def _rotation_3d(angles: np.ndarray) -> np.ndarray:
    """About the first axis, then the second, then the third."""
    found = np.eye(3)
    for axis, angle in enumerate(angles):
        turn = np.eye(3)
        plane = [other for other in range(3) if other != axis]
        turn[np.ix_(plane, plane)] = _rotation_2d(angle)
        found = turn @ found
    return found
