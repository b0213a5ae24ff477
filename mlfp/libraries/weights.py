"""Weights that somebody trained before, read from a local file and laid into an encoder."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from mlfp.errors import ParameterError

#: Where training scripts keep the weights among other things; the first that is there counts.
_NESTS = ("state_dict_ema", "state_dict", "model_state_dict", "model")
#: What wrappers put before every name: DataParallel, torch.compile, mlfp's models, and its encoders of MONAI's.
_PREFIXES = ("module.", "_orig_mod.", "encoder.", "network.")


def lay_weights(encoder: nn.Module, weights: Mapping[str, Tensor], *, source: str) -> None:
    """Lay trained weights into an encoder, all but its last linear layer where that has another size.

    A first convolution made for another number of channels is adapted: its kernel's sum over the channels, shared
    evenly among the new ones, answers a grey image as it did before.

    :param encoder: the module to fill.
    :param weights: as :func:`read_weights` gives them.
    :param source: where they came from, for the message.
    :raises ParameterError: they are of another network.
    """
    own = encoder.state_dict()
    given = _unwrapped(weights, set(own))
    head = _last_linear(encoder)
    _adapt_input(encoder, own, given)
    # Older versions of torch kept no count of batches.
    wanted = [name for name in own if not name.endswith("num_batches_tracked")]
    fits = {name for name in wanted if name in given and given[name].shape == own[name].shape}
    refused = [name for name in wanted if name not in fits and name.rpartition(".")[0] != head]
    if refused:
        raise ParameterError(
            f"{source} does not fit the encoder: {len(refused)} of {len(wanted)} weights are missing or misshapen",
            key=("pretrained",),
            hints=[
                *(_told(name, own, given) for name in refused[:3]),
                *_foreign(own, given),
                "It has to be of the same network, with the same parameters (depth, width).",
            ],
        )
    encoder.load_state_dict({name: given[name] for name in fits}, strict=False)


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by name.

    :param path: a ``.safetensors`` file, or what ``torch.save`` wrote; no code in it is run.
    :raises ParameterError: there is no such file, or it holds anything but tensors.
    """
    path = path.expanduser()
    if not path.is_file():
        raise ParameterError(f"there is no file of weights at {path}", key=("pretrained",))
    try:
        content: Any = load_file(path) if path.suffix == ".safetensors" else _from_torch(path)
    except Exception as error:  # a file can be broken in any way
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ParameterError(
            f"{path} cannot be read as weights: {reason}",
            key=("pretrained",),
            hints=["Expected: .safetensors, or a file of torch.save with tensors alone (no code is run from it)."],
        ) from error
    nest = next((name for name in _NESTS if isinstance(content, Mapping) and name in content), None)
    weights = content[nest] if nest else content
    if not isinstance(weights, Mapping) or not any(isinstance(item, Tensor) for item in weights.values()):
        raise ParameterError(f"{path} holds no weights by name, but {type(weights).__name__}", key=("pretrained",))
    return {str(name): item for name, item in weights.items() if isinstance(item, Tensor)}


def _from_torch(path: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of old formats; whether it can be read is what counts
        return torch.load(path, map_location="cpu", weights_only=True)


def _unwrapped(weights: Mapping[str, Tensor], wanted: Collection[str]) -> dict[str, Tensor]:
    """The weights under as many wrappers as make the most names fit; of a model of mlfp's so only the encoder's."""
    candidates = [dict(weights)]
    for candidate in candidates:  # which grows on the way
        for prefix in _PREFIXES:
            inside = {name.removeprefix(prefix): item for name, item in candidate.items() if name.startswith(prefix)}
            candidates += [inside] if inside else []
    return max(candidates, key=lambda candidate: len(candidate.keys() & wanted))


def _last_linear(encoder: nn.Module) -> str | None:
    names = [name for name, module in encoder.named_modules() if isinstance(module, nn.Linear)]
    return names[-1] if names else None


def _adapt_input(encoder: nn.Module, own: Mapping[str, Tensor], given: dict[str, Tensor]) -> None:
    modules = encoder.named_modules()
    first = next((name for name, module in modules if isinstance(module, nn.Conv2d | nn.Conv3d)), None)
    name = f"{first}.weight"
    if name in own and name in given and given[name].ndim == own[name].ndim:
        channels = own[name].shape[1]
        adapted = given[name].sum(1, keepdim=True).div(channels).expand(-1, channels, *own[name].shape[2:])
        if given[name].shape[1] != channels and given[name].shape[2:] == own[name].shape[2:]:
            given[name] = adapted.contiguous()


def _foreign(own: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> list[str]:
    """What the file calls weights that the encoder has not: shows a prefix or another network at a glance."""
    unknown = [name for name in given if name not in own]
    return [f"The file also has {', '.join(unknown[:3])}, which the encoder has not."] if unknown else []


def _told(name: str, own: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> str:
    if name not in given:
        return f"{name} is not in the file"
    return f"{name} should be {tuple(own[name].shape)}, is {tuple(given[name].shape)} in the file"
