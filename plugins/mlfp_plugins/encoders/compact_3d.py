"""compact-3d: a small network for volumes, trained from nothing on a CPU."""

from __future__ import annotations

from torch import nn

from mlfp_plugins.encoders.compact import Compact, Norm
from mlfp_plugins.encoders.dimensions import require_dims


def compact_3d(
    *,
    in_channels: int,
    spatial_dims: int,
    embedding_dim: int,
    norm: Norm = "batch",
    gradient: bool = True,
    grid: tuple[int, int, int] = (5, 6, 4),
) -> nn.Module:
    """Space-to-depth, four convolutions of 24, 48, 96 and 144 channels, flattened.

    :param in_channels: C.
    :param spatial_dims: 3.
    :param embedding_dim: D.
    :param norm: what follows each convolution.
    :param gradient: whether the gradient magnitude is a second channel.
    :param grid: cells along each axis of the map that is flattened.
    :raises ParameterError: ``spatial_dims`` is not 3.
    """
    require_dims("compact-3d", 3, spatial_dims)
    return Compact(
        in_channels=in_channels,
        spatial_dims=3,
        embedding_dim=embedding_dim,
        widths=(24, 48, 96, 144),
        strides=(1, 2, 2, 1),
        norm=norm,
        gradient=gradient,
        grid=grid,
        narrow=64,
    )
