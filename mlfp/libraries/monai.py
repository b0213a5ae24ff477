"""MONAI's networks as encoders, and its transforms as augmentations. 2D and 3D.

``monai:DenseNet121``, ``monai:resnet18``, ``monai:SEResNet50``; ``monai:RandBiasField``, ``monai:RandGaussianNoise``.

What it calls otherwise than mlfp differs from network to network, so the words are looked up in the signature: see
:data:`_WORDS`. A network that gives several things gives its vector first; a map is averaged over its voxels.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any

from monai.networks import nets
from torch import Tensor, nn

from mlfp.errors import ParameterError, UnknownComponentError, nearest
from mlfp.libraries.transforms import load_transform
from mlfp.libraries.weights import lay_weights, read_weights
from mlfp.parameters import Parameter, parameters_of

#: mlfp's words, and what the networks call them.
_WORDS = {
    "in_channels": ("in_channels", "n_input_channels", "in_chans"),
    "spatial_dims": ("spatial_dims", "dimensions"),
    "embedding_dim": ("num_classes", "out_channels", "classes"),
}
#: Where a network's own default would give something else than a plain vector.
_SETTINGS: dict[str, Any] = {
    "feed_forward": True,  # ResNet: end in a linear layer
    "classification": True,  # ViT: end in a linear layer
    "post_activation": "none",  # ViT: and in nothing else; the default is tanh
}


class Vectors(nn.Module):
    """A network whose output is made one vector an image.

    :param network: gives ``(B, D)``, tokens ``(B, N, D)``, a map ``(B, D, *spatial)``, or a tuple with that first.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """``(B, C, *spatial)`` to ``(B, D)``."""
        found = self.network(images)
        while isinstance(found, tuple | list):
            found = found[0]
        features: Tensor = found
        if features.ndim == 3:
            return features.mean(1)
        return features.flatten(2).mean(2) if features.ndim > 3 else features


def load(kind: str, name: str) -> Callable[..., Any]:
    """What makes the network or transform of this name.

    :raises UnknownComponentError: MONAI has no such one, or the network cannot be told how many channels it is to take.
    """
    if kind == "augmentation":
        return load_transform("monai", "MONAI", name, transforms())
    network = _network(kind, name)
    keywords = _keywords(network)

    def encoder(
        *,
        in_channels: int,
        spatial_dims: int,
        embedding_dim: int,
        pretrained: bool | Path = False,
        **parameters: Any,
    ) -> nn.Module:
        """Make it.

        :param pretrained: true downloads MONAI's own weights, where it has any; a path reads a local file.
        :param parameters: passed on to the network.
        """
        _check_known(name, parameters, keywords)
        said = {"in_channels": in_channels, "spatial_dims": spatial_dims, "embedding_dim": embedding_dim}
        settings = {theirs: said[ours] for ours in said if (theirs := _theirs(ours, keywords)) is not None}
        settings |= {item: value for item, value in _SETTINGS.items() if item in keywords}
        if "pretrained" in keywords:  # EfficientNet's default is to download
            settings["pretrained"] = pretrained is True
        made: nn.Module = network(**(settings | parameters))
        if isinstance(pretrained, Path):
            lay_weights(made, read_weights(pretrained), source=str(pretrained))
        return Vectors(made)

    encoder.__name__ = name
    return encoder


def _network(kind: str, name: str) -> Callable[..., nn.Module]:
    known = networks() if kind == "encoder" else {}
    network = known.get(getattr(getattr(nets, name, None), "__name__", name))
    if network is None:
        hints = [*nearest(name, known), f"It has: {', '.join(known)}"]
        raise UnknownComponentError(
            f"MONAI has no {kind} {name!r}",
            key=("use",),
            hints=hints if known else ["It has encoders and augmentations only."],
        )
    return network


def _check_known(name: str, given: Iterable[str], keywords: Collection[str]) -> None:
    for item in given:
        if item not in keywords:
            raise ParameterError(
                f"encoder monai:{name} has no parameter {item!r}",
                key=(item,),
                hints=[*nearest(item, keywords), f"It takes: {', '.join(keywords)}"],
            )


def networks() -> dict[str, Callable[..., nn.Module]]:
    """MONAI's networks that can be told their channels and the length of what they give, by name.

    Each is there once: MONAI has further spellings of most, which :func:`load` also takes.
    """
    return {
        name: item
        for name, item in sorted(vars(nets).items())
        if _makes_network(item)
        and item.__name__ == name
        and all(_theirs(word, _keywords(item)) for word in ("in_channels", "embedding_dim"))
    }


def transforms() -> dict[str, type[Any]]:
    """MONAI's transforms of the intensities and the geometry of one image ``(C, *spatial)``, by name."""
    import monai.transforms  # a second that networks do not need

    rooms = tuple(f"monai.transforms.{room}.array" for room in ("intensity", "spatial", "smooth_field"))
    return {
        name: item
        for name, item in sorted(vars(monai.transforms).items())
        if inspect.isclass(item) and item.__module__ in rooms and issubclass(item, monai.transforms.Transform)
    }


def _makes_network(item: Any) -> bool:
    if inspect.isclass(item):
        return issubclass(item, nn.Module)
    returned = _returned(item) if inspect.isfunction(item) else None
    return inspect.isclass(returned) and issubclass(returned, nn.Module)


def _returned(function: Callable[..., Any]) -> Any:
    return typing.get_type_hints(function).get("return")


def _keywords(network: Callable[..., nn.Module]) -> dict[str, Parameter]:
    """The keywords of a class, or of a function and the class it makes."""
    known, open_ended = parameters_of(network)
    if open_ended and inspect.isfunction(network):
        known = {**parameters_of(_returned(network))[0], **known}
    return known


def _theirs(word: str, keywords: dict[str, Parameter]) -> str | None:
    return next((item for item in _WORDS[word] if item in keywords), None)
