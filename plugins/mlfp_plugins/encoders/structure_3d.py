"""structure-3d: a network that sees in which direction edges run, and neither how bright nor how strong they are."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from mlfp_plugins.encoders.compact import space_to_depth
from mlfp_plugins.encoders.dimensions import require_dims

#: Voxels along each axis over which an edge's strength is compared with its neighbours', and the share of the whole
#: image's mean that is added to theirs, so that noise in air is no edge.
_AROUND, _FLOOR = 5, 0.1
#: Channels after each convolution; the second and the fourth halve the map.
_WIDTHS, _STRIDES = (32, 96, 128, 128), (1, 2, 1, 2)


class Structure3d(nn.Module):
    """Orientation of edges, through four convolutions, to a vector that knows positions.

    Two contrasts of one brain share where its edges lie and how they run, not which side is brighter. At each voxel the
    network is shown the outer product of the normalised gradient with itself, which does not change when an image is
    inverted, brightened, or bent by any curve that keeps the edges (normalised gradient fields: Haber and Modersitzki
    2006, MICCAI; the outer product: six numbers of the structure tensor). Meant for heads that lie alike:
    ``posed-3d`` puts them so.

    :param embedding_dim: D.
    :param shape: the middle of the image that is looked at, in voxels; smaller images are filled up with their edge.
    :param grid: cells along each axis of the map that is flattened.
    :param narrow: channels of that map.
    """

    def __init__(
        self, *, embedding_dim: int, shape: tuple[int, int, int], grid: tuple[int, int, int], narrow: int
    ) -> None:
        super().__init__()
        self.shape = shape
        layers: list[nn.Module] = []
        for before, after, stride in zip((48, *_WIDTHS), _WIDTHS, _STRIDES, strict=False):
            layers += [
                nn.Conv3d(before, after, 3, stride=stride, padding=1, bias=False),
                nn.BatchNorm3d(after),
                nn.ReLU(inplace=True),
            ]
        self.body = nn.Sequential(*layers, nn.Conv3d(_WIDTHS[-1], narrow, 1))
        self.pool = nn.AdaptiveAvgPool3d(grid)
        self.head = nn.Linear(narrow * math.prod(grid), embedding_dim)
        self.to(memory_format=torch.channels_last_3d)

    def forward(self, images: Tensor) -> Tensor:
        """``(B, C, I, J, K)`` to ``(B, D)``, not normalised. Of several channels the edges count alike."""
        batch, channels = images.shape[:2]
        edges = edge_directions(images.flatten(0, 1).unsqueeze(1))
        edges = edges.reshape(batch, channels, *edges.shape[1:]).mean(1)
        seen = space_to_depth(middle(edges, self.shape))
        features = self.body(seen.contiguous(memory_format=torch.channels_last_3d))
        embedded: Tensor = self.head(self.pool(features).flatten(1))
        return embedded


def structure_3d(
    *,
    in_channels: int,
    spatial_dims: int,
    embedding_dim: int,
    shape: tuple[int, int, int] = (40, 48, 40),
    grid: tuple[int, int, int] = (5, 6, 5),
    narrow: int = 64,
) -> nn.Module:
    """Edge directions, space-to-depth, four convolutions of 32, 96, 128 and 128 channels, flattened.

    :param in_channels: any number: the edges of several are averaged.
    :param spatial_dims: 3.
    :param embedding_dim: D.
    :param shape: the middle of the image that is looked at, in voxels.
    :param grid: cells along each axis of the map that is flattened.
    :param narrow: channels of that map.
    :raises ParameterError: ``spatial_dims`` is not 3.
    """
    require_dims("structure-3d", 3, spatial_dims)
    return Structure3d(embedding_dim=embedding_dim, shape=shape, grid=grid, narrow=narrow)


def edge_directions(images: Tensor) -> Tensor:
    """``(B, 1, I, J, K)`` to ``(B, 6, I, J, K)``: g g' of the locally normalised gradient g, others times sqrt 2.

    The sum of the squares of the six is |g|^4: the inner product of two voxels' six numbers is ``(g . h)**2``.
    """
    gradient = torch.cat([_central(images, axis) for axis in (2, 3, 4)], dim=1)
    squared = gradient.square().sum(1, keepdim=True)
    around = functional.avg_pool3d(squared, _AROUND, stride=1, padding=_AROUND // 2, count_include_pad=False)
    floor = _FLOOR * squared.mean(dim=(2, 3, 4), keepdim=True)
    normed = gradient / (squared + around + floor).clamp_min(1e-20).sqrt()
    x, y, z = normed.unbind(1)
    root = math.sqrt(2)
    return torch.stack([x * x, y * y, z * z, root * x * y, root * x * z, root * y * z], dim=1)


def self_similarity(images: Tensor) -> Tensor:
    """``(B, 1, I, J, K)`` to ``(B, 6, I, J, K)``: how like its six neighbours' surroundings a voxel's are, 0 to 1.

    The modality independent neighbourhood descriptor (Heinrich et al. 2012, Medical Image Analysis 16, eq. 4), with the
    six nearest voxels, patches of 3 x 3 x 3, and a variance of at least 5 % of the image's mean.
    """
    found = []
    for axis in (2, 3, 4):
        size = images.shape[axis]
        unlike = torch.zeros_like(images)
        unlike.narrow(axis, 0, size - 1).copy_(images.diff(dim=axis).square())
        unlike = functional.avg_pool3d(unlike, 3, stride=1, padding=1, count_include_pad=False)
        behind = torch.zeros_like(unlike)
        behind.narrow(axis, 1, size - 1).copy_(unlike.narrow(axis, 0, size - 1))
        found += [unlike, behind]
    distances = torch.cat(found, dim=1)
    variance = distances.mean(1, keepdim=True)
    floor = 0.05 * variance.mean((2, 3, 4), keepdim=True) + 1e-12
    return torch.exp(-(distances - distances.amin(1, keepdim=True)) / variance.maximum(floor))


def middle(images: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The middle ``shape`` voxels of ``(B, C, *spatial)``; where an image is smaller, its edge goes on."""
    for axis, wanted in enumerate(shape, start=2):
        lost = images.shape[axis] - wanted
        if lost > 0:
            images = images.narrow(axis, lost // 2, wanted)
        elif lost < 0:
            before = -lost // 2
            ends = [0, 0] * (images.ndim - 1 - axis) + [before, -lost - before]
            images = functional.pad(images, [*ends, *[0, 0] * (axis - 2)], mode="replicate")
    return images


def _central(images: Tensor, axis: int) -> Tensor:
    """Central differences along an axis; one-sided at its ends."""
    size = images.shape[axis]
    step = torch.arange(size, device=images.device)
    ahead, behind = (step + 1).clamp_max(size - 1), (step - 1).clamp_min(0)
    return images.index_select(axis, ahead) - images.index_select(axis, behind)
