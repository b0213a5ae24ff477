"""resnet50-2d: the residual network of 50 layers, for pictures."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from mlfp.libraries import timm
from mlfp_plugins.encoders.dimensions import require_dims


def resnet50_2d(
    *, in_channels: int, spatial_dims: int, embedding_dim: int, head: bool = True, pretrained: bool | Path = False
) -> nn.Module:
    """ResNet-50 (He et al. 2016, table 1) as timm builds it; Few-Shot Fingerprinting (section 2.1) names this encoder.

    :param in_channels: C. Pretrained weights made for colour are summed over the colours.
    :param spatial_dims: 2.
    :param embedding_dim: D.
    :param head: whether a linear layer makes D of the 2048 averaged features; without it the vector is those.
    :param pretrained: true downloads timm's weights for ImageNet; a path reads a local file.
    :raises ParameterError: ``spatial_dims`` is not 2, or the weights do not fit.
    """
    require_dims("resnet50-2d", 2, spatial_dims)
    make = timm.load("encoder", "resnet50")
    return make(
        in_channels=in_channels, spatial_dims=2, embedding_dim=embedding_dim if head else 0, pretrained=pretrained
    )
