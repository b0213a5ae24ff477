"""fsf-released-3d: what Few-Shot Fingerprinting's released code encodes brains with."""

from __future__ import annotations

from monai.networks.nets.resnet import ResNet
from torch import nn

from mlfp_plugins.encoders.dimensions import require_dims


def fsf_released_3d(*, in_channels: int, spatial_dims: int, embedding_dim: int, stem_stride: int = 1) -> nn.Module:
    """The 3D encoder of Few-Shot Fingerprinting's released code: ResNet-34's blocks at half width, by MONAI.

    The paper (section 2.1) prints 3D ResNet-50: ``resnet50-3d``. The code has basic blocks, 3, 4, 6 and 3 of them,
    of 32, 64, 128 and 256 channels, and a linear layer to D: 15.9 million weights for D = 128.

    :param in_channels: C; 1 in the code.
    :param spatial_dims: 3.
    :param embedding_dim: D; 128 in the code.
    :param stem_stride: of the first convolution. The code leaves it at MONAI's default, 1; 2 keeps an eighth of the
        voxels in every layer, for a training on a CPU.
    :raises ParameterError: ``spatial_dims`` is not 3.
    """
    require_dims("fsf-released-3d", 3, spatial_dims)
    network: nn.Module = ResNet(
        block="basic",
        layers=[3, 4, 6, 3],
        block_inplanes=[32, 64, 128, 256],
        spatial_dims=3,
        n_input_channels=in_channels,
        conv1_t_stride=stem_stride,
        num_classes=embedding_dim,
    )
    return network
