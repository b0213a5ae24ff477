"""What :mod:`resnet18_3d` and :mod:`resnet50_3d` share: MONAI's residual network in the variant of MedicalNet."""

from __future__ import annotations

from pathlib import Path

from monai.networks.nets import resnet
from torch import nn

from mlfp.libraries.weights import lay_weights, read_weights

_MAKERS = {18: resnet.resnet18, 50: resnet.resnet50}


def resnet_3d(
    depth: int, *, in_channels: int, embedding_dim: int, stem_stride: int, width: float, pretrained: bool | Path
) -> nn.Module:
    """Build it, with the shortcuts that MedicalNet's weights of this depth were trained with.

    :param depth: 18 or 50.
    :raises ParameterError: the weights do not fit.
    """
    bias, shortcut = resnet.get_medicalnet_pretrained_resnet_args(depth)
    network: nn.Module = _MAKERS[depth](
        spatial_dims=3,
        n_input_channels=in_channels,
        num_classes=embedding_dim,
        conv1_t_stride=stem_stride,
        widen_factor=width,
        shortcut_type=shortcut,
        bias_downsample=bias,
    )
    if pretrained is True:
        weights = resnet.get_pretrained_resnet_medicalnet(depth, device="cpu", datasets23=True)
        lay_weights(network, weights, source=f"MedicalNet's ResNet-{depth}")
    elif pretrained:
        lay_weights(network, read_weights(pretrained), source=str(pretrained))
    return network
