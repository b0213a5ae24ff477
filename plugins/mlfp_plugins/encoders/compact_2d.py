"""compact-2d: a small network for pictures, trained from nothing on a CPU."""

from __future__ import annotations

from torch import nn

from mlfp_plugins.encoders.compact import Compact, Norm
from mlfp_plugins.encoders.dimensions import require_dims


def compact_2d(
    *,
    in_channels: int,
    spatial_dims: int,
    embedding_dim: int,
    norm: Norm = "batch",
    gradient: bool = True,
    grid: tuple[int, int] = (6, 6),
) -> nn.Module:
    """The 2D twin of :func:`~mlfp_plugins.encoders.compact_3d.compact_3d`.

    :param in_channels: C.
    :param spatial_dims: 2.
    :param embedding_dim: D.
    :param norm: what follows each convolution.
    :param gradient: whether the gradient magnitude is a second channel.
    :param grid: cells along each axis of the map that is flattened.
    :raises ParameterError: ``spatial_dims`` is not 2.
    """
    require_dims("compact-2d", 2, spatial_dims)
    return Compact(
        in_channels=in_channels,
        spatial_dims=2,
        embedding_dim=embedding_dim,
        widths=(32, 64, 128, 192),
        strides=(1, 2, 2, 2),
        norm=norm,
        gradient=gradient,
        grid=grid,
        narrow=64,
    )
