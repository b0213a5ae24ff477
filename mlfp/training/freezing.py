"""Weights that a training leaves as they are, by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm as BatchNorm

from mlfp.errors import ParameterError, nearest
from mlfp.fingerprints.model import FingerprintModel
from mlfp.libraries import pretrained
from mlfp.registry import Registry
from mlfp.seeds import seeded_globals
from mlfp.training.train_settings import FreezeSettings
from mlfp.types.spec import Spec

_KEY = ("train", "freeze")


def freeze(model: FingerprintModel, settings: FreezeSettings | None) -> list[nn.Module]:
    """Take what is frozen out of training: its weights ask for no gradient, so no optimizer keeps state for them.

    :param model: of its encoder alone anything is frozen; names are those below the encoder.
    :return: layers that must be in evaluation mode while the rest trains.
    :raises ParameterError: a name stands for nothing, or nothing is left to train.
    """
    if settings is None:
        return []
    encoder = model.encoder
    _check_names(settings, encoder)
    still = []
    for name, layer in encoder.named_modules():
        normal = isinstance(layer, BatchNorm)
        if normal and settings.batch_norm == "frozen" and _stands(settings, name, layer):
            still.append(layer)
        for own, parameter in layer.named_parameters(recurse=False):
            trained = normal and settings.batch_norm == "train"
            if _frozen(settings, f"{name}.{own}" if name else own) and not trained:
                parameter.requires_grad_(False)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise ParameterError(
            "nothing is left to train: every weight of the encoder is frozen, and there is no projector",
            key=(*_KEY, "names"),
            hints=["Name fewer layers. To see what an encoder gives untrained: compare_with: [untrained]"],
        )
    return still


def check_names(
    settings: FreezeSettings, encoder: Spec, registry: Registry, *, in_channels: int, spatial_dims: int
) -> None:
    """Look the names up in an encoder made for it, before any training.

    :raises ParameterError: a name stands for nothing, or the encoder cannot be made.
    """
    bare = Spec(encoder.use, pretrained.without(encoder.parameters))  # weights have no other names when trained
    sizes = {"in_channels": in_channels, "spatial_dims": spatial_dims, "embedding_dim": 8}
    try:
        with seeded_globals("check"):
            made = registry.build("encoder", bare, **sizes)
    except ParameterError as error:
        raise error.under("encoder") from error
    _check_names(settings, made)


def _check_names(settings: FreezeSettings, encoder: nn.Module) -> None:
    named = [name for name, _ in encoder.named_parameters()]
    _check(settings.names, named, "names")
    _check(settings.keep, [name for name in named if _matches(settings.names, name)], "keep")


def _stands(settings: FreezeSettings, name: str, layer: nn.Module) -> bool:
    """Whether a batch normalisation is frozen whole: itself by name, or all of its weights."""
    own = [f"{name}.{item}" for item, _ in layer.named_parameters(recurse=False)]
    return all(_frozen(settings, item) for item in own or [name])


def _frozen(settings: FreezeSettings, name: str) -> bool:
    return _matches(settings.names, name) and not _matches(settings.keep, name)


def _matches(patterns: Sequence[str], name: str) -> bool:
    return any(fnmatchcase(place, pattern) for pattern in patterns for place in _places(name))


def _places(name: str) -> Iterator[str]:
    """``layer1``, ``layer1.0``, ... of ``layer1.0.conv1.weight``: a layer's name stands for all below it."""
    parts = name.split(".")
    return (".".join(parts[: length + 1]) for length in range(len(parts)))


def _check(patterns: Sequence[str], named: Sequence[str], field: str) -> None:
    for place, pattern in enumerate(patterns):
        if not any(_matches([pattern], name) for name in named):
            known = list(dict.fromkeys(item for name in named for item in _places(name)))
            deeper = [item for item in known if item.endswith(f".{pattern}")][:3]
            first = list(dict.fromkeys(name.split(".")[0] for name in named))
            what = "nothing that is frozen" if field == "keep" else "no weight of the encoder"
            raise ParameterError(
                f"{pattern!r} names {what}",
                key=(*_KEY, field, place),
                hints=[
                    *([f"Did you mean: {', '.join(deeper)}?"] if deeper else nearest(pattern, known)),
                    f"There is: {', '.join(first[:12])}{', ...' if len(first) > 12 else ''}",
                ],
            )
