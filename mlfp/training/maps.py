"""Maps from a place in the output to a place in the input, for many images, and reading images through them.

Places are voxel coordinates relative to the image's centre, axes in the order of the image's. On a CPU a sequence of
these maps is followed by a compiled kernel; elsewhere, and among maps of other kinds, as tensors of coordinates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mlfp.execution.compiled import kernels
from mlfp.training.rows import each_row


@dataclass(frozen=True)
class AffineMap:
    """``p`` to ``matrix @ p + offset``.

    :param matrix: (B, n, n).
    :param offset: (B, n) in voxels.
    """

    matrix: Tensor
    offset: Tensor

    def __call__(self, points: Tensor) -> Tensor:
        """``(B, *spatial, n)`` points to where they go."""
        moved = torch.baddbmm(self.offset[:, None], points.flatten(1, -2), self.matrix.mT)
        return moved.view(points.shape)


@dataclass(frozen=True)
class DisplacementMap:
    """``p`` to ``p + displacement(p)``, linear between the points of a coarse grid and constant beyond it.

    :param displacement: ``(B, n, *grid)`` in voxels; the grid, at least 2 points along each axis, reaches from the
        image's first voxel to its last.
    """

    displacement: Tensor

    def __call__(self, points: Tensor) -> Tensor:
        """``(B, *spatial, n)`` points to where they go; ``spatial`` is the image's shape."""
        fine = torch.tensor([max((size - 1) / 2, 0.5) for size in points.shape[1:-1]])
        coarse = torch.tensor([(size - 1) / 2 for size in self.displacement.shape[2:]])
        moved = sample(self.displacement, points * (coarse / fine).to(points.device))
        return points + moved.movedim(1, -1)


Map = AffineMap | DisplacementMap


def centred_grid(shape: Sequence[int], device: torch.device | None = None) -> Tensor:
    """``(*spatial, n)`` coordinates of all voxels relative to the centre: exact halves and wholes."""
    axes = [torch.arange(size, device=device, dtype=torch.float32) - (size - 1) / 2 for size in shape]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)


def sample(values: Tensor, points: Tensor, outside: Tensor | None = None) -> Tensor:
    """Linear interpolation at given points.

    :param values: ``(B, C, *spatial)``.
    :param points: ``(B, *out, n)``.
    :param outside: (B, C) what lies beyond the image; None repeats its outermost voxels.
    :return: ``(B, C, *out)``.
    """
    half = torch.tensor([max(size - 1, 1) / 2 for size in values.shape[2:]], device=points.device)
    grid = (points / half).flip(-1).to(values.dtype)
    if outside is None:
        return functional.grid_sample(values, grid, mode="bilinear", padding_mode="border", align_corners=True)
    fill = outside.reshape(*outside.shape, *[1] * (values.ndim - 2))
    return functional.grid_sample(values - fill, grid, mode="bilinear", padding_mode="zeros", align_corners=True) + fill


def resample(images: Tensor, maps: Sequence[Map], outside: Tensor) -> Tensor:
    """Read images through maps, the first of which an output point goes through first.

    :param images: ``(B, C, *spatial)``.
    :param outside: (B, C) what lies beyond them.
    """
    compiled = _kernels(images)
    if compiled is None:
        points = centred_grid(images.shape[2:], images.device).expand(len(images), *images.shape[2:], -1)
        for step in maps:
            points = step(points)
        return sample(images, points, outside)
    result = torch.empty_like(images, memory_format=torch.contiguous_format)
    source, target = as_volumes(images), as_volumes(result)
    fill = outside.contiguous().numpy()
    matrices, fields, starts, shapes = _program(maps, images.shape[2:])

    def one(row: int) -> None:
        compiled.resample(source[row], target[row], fill[row], matrices[row], fields[row], starts, shapes)

    each_row(one, len(images))
    return result


def doubled(displacement: Tensor) -> Tensor:
    """``(B, n, *grid)`` displacements in steps of their own grid, each followed twice."""
    compiled = _kernels(displacement)
    if compiled is None:
        grid = centred_grid(displacement.shape[2:], displacement.device)
        return displacement + sample(displacement, grid + displacement.movedim(1, -1))
    field = _vectors(displacement)
    result = np.empty_like(field)
    each_row(lambda row: compiled.compose(field[row], result[row]), len(field))
    flat = torch.from_numpy(result)[..., 3 - (displacement.ndim - 2) :].movedim(-1, 1)
    return flat if displacement.ndim == 5 else flat[:, :, 0]


def _kernels(values: Tensor) -> ModuleType | None:
    return kernels("mlfp.training.kernels") if values.device.type == "cpu" and values.dtype == torch.float32 else None


def as_volumes(images: Tensor) -> np.ndarray:
    """(B, C, I, J, K) array of images, a picture as a volume with one plane; shares their memory where it can."""
    array: np.ndarray = images.contiguous().numpy()
    return array if array.ndim == 5 else array[:, :, None]


def _vectors(displacement: Tensor) -> np.ndarray:
    """``(B, n, *grid)`` as ``(B, I, J, K, 3)``; in a picture nothing moves along the first axis."""
    last: np.ndarray = displacement.movedim(1, -1).contiguous().numpy()
    if displacement.ndim == 5:
        return last
    return np.ascontiguousarray(np.pad(last[:, None], [(0, 0)] * 4 + [(1, 0)]))


def _program(maps: Sequence[Map], shape: Sequence[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The maps as :func:`mlfp.training.kernels.resample` takes them, with a row an image in the first two."""
    first = maps[0].matrix if isinstance(maps[0], AffineMap) else maps[0].displacement
    rows, dims = len(first), len(shape)
    matrices = np.zeros((rows, len(maps), 3, 4), np.float32)
    starts, shapes = np.full(len(maps), -1), np.ones((len(maps), 3), np.int64)
    fields, length = [np.zeros((rows, 1), np.float32)], 1
    for place, step in enumerate(maps):
        if isinstance(step, AffineMap):
            matrices[:, place, :3, :3] = np.eye(3)
            matrices[:, place, 3 - dims :, 3 - dims : 3] = step.matrix.numpy()
            matrices[:, place, 3 - dims :, 3] = step.offset.numpy()
        else:
            field = _vectors(step.displacement)
            shapes[place] = field.shape[1:4]
            for axis, size in enumerate(shape, start=3 - dims):
                matrices[:, place, axis, 0] = (shapes[place, axis] - 1) / max(size - 1, 1)
                matrices[:, place, axis, 1] = (size - 1) / 2
            starts[place] = length
            fields.append(field.reshape(rows, -1))
            length += fields[-1].shape[1]
    return matrices, np.concatenate(fields, axis=1), starts, shapes
