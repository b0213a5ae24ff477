"""Where a brain lies in a scan, roughly: a search over all poses that occur, so that registration starts near.

ANTs goes downhill from where it starts, and starts with the centres of mass on each other. A template without skull has
its centre elsewhere than a head with neck and face, and the nearest valley is then often the brain stretched over the
whole head.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from mlfp.data.grids import regrid
from mlfp.data.masks import foreground
from mlfp.errors import ScanError
from mlfp.preparing.template import Template
from mlfp.types.volume import Volume

#: Voxel size in mm at which poses are compared, and classes of intensity.
COARSE, BINS = 6.0, 24
#: The grid of poses: mm to the right, front and top from the middle of the head (a brain lies above it); degrees of
#: nodding; and how large the subject's brain is, of the template's.
_RIGHT, _FRONT, _TOP = (-8.0, 0.0, 8.0), range(-32, 33, 8), range(-24, 57, 8)
_NOD, _SIZE = (-20.0, 0.0, 20.0), (0.84, 0.96)
#: Poses are first compared on every so manieth point. So many of the best are followed to their optimum, and these are
#: the sizes that they may end in: MNI152 is larger than most brains.
_THIN, _FOLLOWED, _SIZES = 3, 5, (0.72, 1.02)


@dataclass(frozen=True)
class _Scene:
    """What poses are compared on.

    :param points: (N, 4) homogeneous places in the template, in mm, about its centre.
    :param classes: (N,) the template's class of intensity there.
    :param scan: (I, J, K) class of intensity of the coarse scan, a voxel of air around.
    :param to_voxel: (4, 4) mm about the middle of the scan's head to voxel of ``scan``.
    """

    points: np.ndarray
    classes: np.ndarray
    scan: np.ndarray
    to_voxel: np.ndarray

    def score(self, pose: np.ndarray, thin: int = 1) -> float:
        """Normalised mutual information, from 1 to 2: (H(x) + H(y)) / H(x, y) over the template's brain.

        :param thin: look at every so manieth point.
        """
        matrix = (self.to_voxel @ matrix_of(pose))[:3]
        voxels = np.rint(self.points[::thin] @ matrix.T).astype(np.int64)
        np.clip(voxels, 0, np.array(self.scan.shape) - 1, out=voxels)
        seen = self.scan[voxels[:, 0], voxels[:, 1], voxels[:, 2]]
        return normalised_information(self.classes[::thin], seen, BINS)


def find_pose(volume: Volume, template: Template) -> np.ndarray:
    """(4, 4) mm of the template to mm of the scan: rotation, shift, and one size for all axes.

    :raises ScanError: there is nothing in the scan to look at.
    """
    scene, middle = _scene(volume, template)
    grid = np.array(
        [
            (right, front, top, nod, 0.0, 0.0, np.log(size))
            for right, front, top, nod, size in itertools.product(_RIGHT, _FRONT, _TOP, _NOD, _SIZE)
        ]
    )
    scores = np.array([scene.score(pose, _THIN) for pose in grid])
    starts = grid[np.argsort(scores, kind="stable")[::-1][:_FOLLOWED]]
    best = max((_followed(scene, start) for start in starts), key=scene.score)
    found = np.eye(4)
    found[:3, 3] = middle
    back = np.eye(4)
    back[:3, 3] = -template.centre
    placed: np.ndarray = found @ matrix_of(best) @ back
    return placed


def matrix_of(pose: np.ndarray) -> np.ndarray:
    """(4, 4) of (right, front, top in mm, angles about the axes in degrees, logarithm of the size)."""
    (ca, cb, cc), (sa, sb, sc) = np.cos(np.deg2rad(pose[3:6])), np.sin(np.deg2rad(pose[3:6]))
    turn = (
        np.array([[cc, -sc, 0], [sc, cc, 0], [0, 0, 1]])
        @ np.array([[cb, 0, sb], [0, 1, 0], [-sb, 0, cb]])
        @ np.array([[1, 0, 0], [0, ca, -sa], [0, sa, ca]])
    )
    found = np.eye(4)
    found[:3, :3] = np.exp(pose[6]) * turn
    found[:3, 3] = pose[:3]
    return found


def normalised_information(first: np.ndarray, second: np.ndarray, bins: int) -> float:
    """(H(x) + H(y)) / H(x, y) of two arrays of classes from 0 to ``bins - 1``: 1 if independent, 2 if the same."""
    joint = np.bincount(first * bins + second, minlength=bins * bins).reshape(bins, bins) / first.size
    both = _entropy(joint.ravel())
    return 1.0 if both == 0 else float((_entropy(joint.sum(0)) + _entropy(joint.sum(1))) / both)


def classes_of(values: np.ndarray, bins: int) -> np.ndarray:
    """Values as classes of equal width between their percentiles 0.5 and 99.5."""
    low, high = np.percentile(values, (0.5, 99.5))
    share = (values - low) / max(high - low, 1e-12)
    found: np.ndarray = np.clip(np.floor(share * bins), 0, bins - 1).astype(np.int64)
    return found


def _entropy(shares: np.ndarray) -> float:
    some = shares[shares > 0]
    return float(-(some * np.log(some)).sum())


def _followed(scene: _Scene, start: np.ndarray) -> np.ndarray:
    """Downhill from a pose, without gradients: the score is a staircase."""
    steps = np.array([6.0, 6.0, 6.0, 6.0, 6.0, 6.0, 0.06])
    simplex = np.vstack([start, start + np.diag(steps)])

    def cost(pose: np.ndarray) -> float:
        size = np.exp(pose[6])
        beyond = float(max(_SIZES[0] - size, size - _SIZES[1], 0.0))
        return beyond - scene.score(pose)

    options = {"initial_simplex": simplex, "maxfev": 400, "xatol": 0.2, "fatol": 1e-5}
    found: np.ndarray = optimize.minimize(cost, start, method="Nelder-Mead", options=options).x
    return found


def _scene(volume: Volume, template: Template) -> tuple[_Scene, np.ndarray]:
    """What to compare poses on, and the middle of the head in mm."""
    steps = [COARSE / size for size in volume.spacing]
    shape = [max(1, round(length / step)) for length, step in zip(volume.shape, steps, strict=True)]
    coarse = regrid(volume.with_data(volume.data[:1]), shape, steps)
    head = foreground(coarse.data)
    if not head.any():
        raise ScanError("nothing in it differs from the air around", hints=["Is the scan empty?"])
    middle = (coarse.affine @ np.append(np.argwhere(head).mean(0), 1.0))[:3]
    classes = classes_of(coarse.data[0], BINS)
    air = int(np.median(np.concatenate([classes.take(end, axis).ravel() for axis in range(3) for end in (0, -1)])))
    around = np.eye(4)
    around[:3, 3] = 1.0  # of the voxel of air
    to_middle = np.eye(4)
    to_middle[:3, 3] = middle
    points, seen = _template_points(template)
    to_voxel = around @ np.linalg.inv(coarse.affine) @ to_middle
    return _Scene(points, seen, np.pad(classes, 1, constant_values=air), to_voxel), middle


def _template_points(template: Template) -> tuple[np.ndarray, np.ndarray]:
    """Places in mm about the template's centre, and the class of intensity there."""
    volume, near = template.working(COARSE)
    places = np.argwhere(near) @ volume.affine[:3, :3].T + volume.affine[:3, 3] - template.centre
    return np.column_stack([places, np.ones(len(places))]), classes_of(volume.data[0][near], BINS)
