"""Where the cells of a layer's map lie in the image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

#: Layers that say themselves how their output's cells lie in their input's.
STRIDED = (nn.Conv2d, nn.Conv3d, nn.MaxPool2d, nn.MaxPool3d, nn.AvgPool2d, nn.AvgPool3d)


@dataclass(frozen=True)
class Lattice:
    """The middles of a map's cells along each axis of what its network looks at: -1 to 1 from edge to edge.

    :param first: of the first cell.
    :param step: from one cell to the next.
    """

    first: tuple[float, ...]
    step: tuple[float, ...]

    @classmethod
    def even(cls, shape: Sequence[int]) -> Lattice:
        """Of cells that share the whole among them, as an image's voxels do."""
        return cls(tuple(1 / length - 1 for length in shape), tuple(2 / length for length in shape))

    def after(self, layer: nn.Module) -> Lattice:
        """Of the output of a convolution or pooling (:data:`STRIDED`): the middle of what each cell is made of.

        A convolution 3 wide, padded by 1, in steps of 2 has its first cell over its input's first one, not over the
        middle of the first two: each halving of that kind moves a map that is stretched from edge to edge by half a
        cell of its input.
        """
        dims = len(self.first)
        names = ("kernel_size", "stride", "dilation")
        kernel, stride, dilation = (_each(getattr(layer, name, 1), dims) for name in names)
        reach = [(width - 1) / 2 * gap for width, gap in zip(kernel, dilation, strict=True)]
        padding = getattr(layer, "padding", 0)
        lost = reach if padding == "same" else _each(0 if padding == "valid" else padding, dims)
        moved = [inner - outer for inner, outer in zip(reach, lost, strict=True)]
        first = tuple(a + b * by for a, b, by in zip(self.first, self.step, moved, strict=True))
        return Lattice(first, tuple(b * by for b, by in zip(self.step, stride, strict=True)))


@dataclass(frozen=True)
class Placing:
    """Brings a layer's maps to the image's grid.

    :param grid: ``(1, *spatial, n)`` as grid_sample takes it: for each voxel of the image, where in the map it lies.
    :param seen: (1, *spatial) bool: the voxels that the network looks at.
    """

    grid: Tensor
    seen: Tensor

    def __call__(self, maps: Tensor) -> Tensor:
        """``(N, *map)`` to ``(N, *spatial)``, linear between the cells; 0 where the network does not look."""
        fine = functional.grid_sample(maps[None].float(), self.grid, padding_mode="border", align_corners=True)
        return fine[0] * self.seen


def placing(lattice: Lattice, shape: Sequence[int], images: Tensor, points: Tensor | None) -> Placing:
    """For maps of a shape, whose cells lie in a lattice, over ``(1, C, *spatial)`` images.

    :param points: ``(1, *spatial, n)`` where the network sees each voxel, -1 to 1 from edge to edge; None where it
        sees the image as it lies.
    """
    if points is None:
        axes = [(2 * torch.arange(length) + 1) / length - 1 for length in images.shape[2:]]
        points = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)[None].to(images.device)
    first, step = (torch.tensor(item, device=points.device) for item in (lattice.first, lattice.step))
    half = torch.tensor([max(length - 1, 1) / 2 for length in shape], device=points.device)
    return Placing(((points - first) / step / half - 1).flip(-1), (points.abs() <= 1).all(-1))


def points_of(model: nn.Module, images: Tensor, layer: str) -> Tensor | None:
    """What the encoder says of where its layer sees the image's voxels (:class:`~mlfp.interfaces.encoder.Posing`)."""
    encoder = getattr(model, "encoder", model)
    seen_at = getattr(encoder, "seen_at", None)
    if seen_at is None:
        return None
    with torch.no_grad():
        found: Tensor | None = seen_at(images, layer.removeprefix("encoder."))
    return found


def _each(value: int | Sequence[int], dims: int) -> list[int]:
    return [value] * dims if isinstance(value, int) else list(value)
