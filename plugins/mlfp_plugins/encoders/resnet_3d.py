"""resnet10-3d to resnet50-3d: residual networks for volumes, as MONAI builds them, in the variant of MedicalNet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from monai.networks.nets import resnet as networks
from torch import nn

from mlfp.libraries.weights import lay_weights, read_weights
from mlfp_plugins.encoders.dimensions import require_dims

_MAKERS = {10: networks.resnet10, 18: networks.resnet18, 34: networks.resnet34, 50: networks.resnet50}


def _of_depth(depth: int) -> Callable[..., nn.Module]:
    def resnet(
        *,
        in_channels: int,
        spatial_dims: int,
        embedding_dim: int,
        stem_stride: int = 2,
        width: float = 1.0,
        pretrained: bool | Path = False,
    ) -> nn.Module:
        """3D ResNet (Hara et al. 2018) as MONAI builds it, with the shortcuts of MedicalNet (Chen et al. 2019).

        Few-Shot Fingerprinting (section 2.1) prints the one of 50 layers, with D = 128.

        :param in_channels: C. Pretrained weights are shared evenly among the channels.
        :param spatial_dims: 3.
        :param embedding_dim: D, after one linear layer.
        :param stem_stride: of the first convolution. 2 is the paper's and MedicalNet's; MONAI's own default, 1, keeps
            eight times as many voxels in every layer.
        :param width: factor on all channels; Few-Shot Fingerprinting's released code has half the usual width.
        :param pretrained: true downloads MedicalNet's weights (trained on 23 data sets); a path reads a local file,
            such as ``resnet_18_23dataset.pth`` of MedicalNet's own release.
        :raises ParameterError: ``spatial_dims`` is not 3, or the weights do not fit.
        """
        require_dims(f"resnet{depth}-3d", 3, spatial_dims)
        # MedicalNet's weights of each depth were trained with shortcuts of their own.
        bias, shortcut = networks.get_medicalnet_pretrained_resnet_args(depth)
        network: nn.Module = _MAKERS[depth](
            spatial_dims=3,
            n_input_channels=in_channels,
            num_classes=embedding_dim,
            conv1_t_stride=stem_stride,
            widen_factor=width,
            shortcut_type=shortcut,
            bias_downsample=bias,
        )
        _lay(network, depth, pretrained)
        return network

    resnet.__name__ = resnet.__qualname__ = f"resnet{depth}_3d"
    return resnet


def _lay(network: nn.Module, depth: int, pretrained: bool | Path) -> None:
    if pretrained is True:
        weights = networks.get_pretrained_resnet_medicalnet(depth, device="cpu", datasets23=True)
        lay_weights(network, weights, source=f"MedicalNet's ResNet-{depth}")
    elif pretrained:
        lay_weights(network, read_weights(pretrained), source=str(pretrained))


resnet10_3d, resnet18_3d, resnet34_3d, resnet50_3d = map(_of_depth, (10, 18, 34, 50))
