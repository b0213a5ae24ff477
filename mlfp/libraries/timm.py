"""timm's image encoders: ``timm:convnext_tiny``, ``timm:vit_small_patch16_224``. Pictures only.

What it calls otherwise than mlfp: channels are ``in_chans``, the length of the vector ``num_classes``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import timm
from torch import nn

from mlfp.errors import ParameterError, UnknownComponentError, nearest
from mlfp.libraries.weights import lay_weights, read_weights


def load(kind: str, name: str) -> Callable[..., nn.Module]:
    """What makes the encoder of this name.

    :raises UnknownComponentError: timm has no such network.
    """
    _check_name(kind, name)

    def encoder(
        *,
        in_channels: int,
        spatial_dims: int,
        embedding_dim: int,
        pretrained: bool | Path = False,
        **parameters: Any,
    ) -> nn.Module:
        """Make it.

        :param pretrained: true downloads timm's own weights; a path reads a local file.
        :param parameters: passed on to timm: ``drop_path_rate``, ``img_size``, ``dynamic_img_size``, ...
        """
        if spatial_dims != 2:
            raise ParameterError(
                f"encoder timm:{name} works in 2D, and the scans are {spatial_dims}D",
                key=("use",),
                hints=["For 3D: one of mlfp's own that end in -3d, or one of MONAI's, such as monai:DenseNet121."],
            )
        model: nn.Module = timm.create_model(
            name, pretrained=pretrained is True, in_chans=in_channels, num_classes=embedding_dim, **parameters
        )
        if isinstance(pretrained, Path):
            lay_weights(model, read_weights(pretrained), source=str(pretrained))
        return model

    encoder.__name__ = name
    return encoder


def _check_name(kind: str, name: str) -> None:
    # `is_model` keeps out names such as "hf-hub:...", which timm would go and download.
    if kind == "encoder" and timm.is_model(name):
        return
    hints = ["It has encoders only."]
    if kind == "encoder":
        hints = [
            *nearest(name, timm.list_models()),
            "All of its encoders: python -c 'import timm; print(timm.list_models())'",
        ]
    raise UnknownComponentError(f"timm has no {kind} {name!r}", key=("use",), hints=hints)
