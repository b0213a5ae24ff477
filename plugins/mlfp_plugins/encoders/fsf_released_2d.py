"""fsf-released-2d: what Few-Shot Fingerprinting's released code encodes X-rays with."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from mlfp.libraries import timm
from mlfp_plugins.encoders.dimensions import require_dims


def fsf_released_2d(*, in_channels: int, spatial_dims: int, embedding_dim: int, hidden: int = 1000) -> nn.Module:
    """The 2D encoder of Few-Shot Fingerprinting's released code: ResNet-34's blocks, then 1000 units, ReLU, and D.

    The paper (section 2.1) prints ResNet-50 with its final output as the fingerprint: ``resnet50-2d``. The code builds
    basic blocks, 3, 4, 6 and 3 of them, keeps the layer of 1000 ImageNet classes though it is trained from nothing, and
    puts ReLU and a linear layer to D behind it. The last normalisation of a block begins at 1, as torchvision's does.

    :param in_channels: C; the code has X-rays in colour, 3.
    :param spatial_dims: 2.
    :param embedding_dim: D; 128 in the code.
    :param hidden: units between the averaged features and D.
    :raises ParameterError: ``spatial_dims`` is not 2.
    """
    require_dims("fsf-released-2d", 2, spatial_dims)
    trunk = timm.load("encoder", "resnet34")(
        in_channels=in_channels, spatial_dims=2, embedding_dim=hidden, zero_init_last=False
    )
    return nn.Sequential(OrderedDict(trunk=trunk, activation=nn.ReLU(), head=nn.Linear(hidden, embedding_dim)))
