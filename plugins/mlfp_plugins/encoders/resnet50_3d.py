"""resnet50-3d: the residual network of 50 layers, for volumes."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from mlfp_plugins.encoders.dimensions import require_dims
from mlfp_plugins.encoders.resnet_3d import resnet_3d


def resnet50_3d(
    *,
    in_channels: int,
    spatial_dims: int,
    embedding_dim: int,
    stem_stride: int = 2,
    width: float = 1.0,
    pretrained: bool | Path = False,
) -> nn.Module:
    """3D ResNet-50 (Hara et al. 2018) as MONAI builds it, with the shortcuts of MedicalNet (Chen et al. 2019).

    :param in_channels: C. Pretrained weights are shared evenly among the channels.
    :param spatial_dims: 3.
    :param embedding_dim: D.
    :param stem_stride: of the first convolution. 2 is the paper's and MedicalNet's; MONAI's own default, 1, keeps eight
        times as many voxels in every layer.
    :param width: factor on all channels; Few-Shot Fingerprinting's released code has 0.5.
    :param pretrained: true downloads MedicalNet's weights (trained on 23 data sets); a path reads a local file.
    :raises ParameterError: ``spatial_dims`` is not 3, or the weights do not fit.
    """
    require_dims("resnet50-3d", 3, spatial_dims)
    return resnet_3d(
        50,
        in_channels=in_channels,
        embedding_dim=embedding_dim,
        stem_stride=stem_stride,
        width=width,
        pretrained=pretrained,
    )
