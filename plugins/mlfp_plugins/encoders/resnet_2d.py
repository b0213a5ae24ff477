"""resnet18-2d and resnet50-2d: residual networks for pictures, as timm builds them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from torch import nn

from mlfp.libraries import timm
from mlfp_plugins.encoders.dimensions import require_dims


def _of_depth(depth: int) -> Callable[..., nn.Module]:
    def resnet(
        *, in_channels: int, spatial_dims: int, embedding_dim: int, head: bool = True, pretrained: bool | Path = False
    ) -> nn.Module:
        """ResNet (He et al. 2016, table 1) as timm builds it; its layers are named as torchvision's.

        Few-Shot Fingerprinting (section 2.1) prints ResNet-50 whose "final output" is the fingerprint: D = 128 after
        one linear layer. DeepBrainPrint (Puglisi et al. 2023, section 2.4) has ResNet-18 without that layer: 512.
        It halves a picture five times: smaller than 64 x 64 leaves less than 2 x 2 cells to average.

        :param in_channels: C. Pretrained weights made for colour are summed over the colours.
        :param spatial_dims: 2.
        :param embedding_dim: D, where there is a head.
        :param head: whether a linear layer makes D of the averaged features (512 of ResNet-18, 2048 of ResNet-50).
            Without it the vector is those features themselves, as in DeepBrainPrint.
        :param pretrained: true downloads timm's weights for ImageNet; a path reads a local file.
        :raises ParameterError: ``spatial_dims`` is not 2, or the weights do not fit.
        """
        require_dims(f"resnet{depth}-2d", 2, spatial_dims)
        make = timm.load("encoder", f"resnet{depth}")
        return make(
            in_channels=in_channels, spatial_dims=2, embedding_dim=embedding_dim if head else 0, pretrained=pretrained
        )

    resnet.__name__ = resnet.__qualname__ = f"resnet{depth}_2d"
    return resnet


resnet18_2d = _of_depth(18)
resnet50_2d = _of_depth(50)
