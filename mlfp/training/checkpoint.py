"""Checkpoints: everything a training needs to go on as if it had never stopped, in one safetensors file without pickle.

Tensors lie in the file as such; all else (steps, learning rates, the best so far) is JSON in its header. One file, put
in place at once, cannot be half of an old state and half of a new one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.optim import Optimizer

from mlfp.errors import MlfpError, UsageError
from mlfp.execution.files import write_atomically

FILE = "checkpoint.safetensors"
_STATE = "state"
#: Marks in the JSON where a tensor, a tuple, a mapping whose keys are no text, or a type of numbers stood.
_TENSOR, _TUPLE, _PAIRS, _DTYPE = "__tensor__", "__tuple__", "__pairs__", "__dtype__"
#: Plain attributes of a module that are part of its state though torch's ``state_dict`` leaves them out.
_PLAIN = (bool, int, float, str, type(None))


def write(path: Path, state: Mapping[str, Any]) -> None:
    """Write a state: mappings, lists, tuples, numbers and their types, texts and tensors, nested at will.

    :raises MlfpError: it holds anything else, which could not be read back without running code.
    """
    tensors: dict[str, Tensor] = {}
    told = json.dumps(_pack(state, tensors, ""))
    write_atomically(path, save(tensors, metadata={_STATE: told}))


def read(path: Path) -> Any:
    """The state that :func:`write` wrote, its tensors on the CPU.

    :raises UsageError: the file is no checkpoint.
    """
    try:
        with safe_open(path, framework="pt") as file:
            told = json.loads((file.metadata() or {})[_STATE])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise UsageError(
            f"{path} cannot be read as a checkpoint: {error}", hints=["Delete it to start this training over."]
        ) from error
    return _unpack(told, tensors)


def _pack(value: Any, tensors: dict[str, Tensor], place: str) -> Any:
    if isinstance(value, Tensor):
        # Cloned: safetensors refuses tensors that share memory, and wants each whole and in order.
        tensors[place] = value.detach().cpu().clone(memory_format=torch.contiguous_format)
        return {_TENSOR: place}
    if isinstance(value, Mapping):
        if all(isinstance(key, str) for key in value):
            return {key: _pack(item, tensors, f"{place}/{key}") for key, item in value.items()}
        return {_PAIRS: [[key, _pack(item, tensors, f"{place}/{key}")] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        items = [_pack(item, tensors, f"{place}/{number}") for number, item in enumerate(value)]
        return items if isinstance(value, list) else {_TUPLE: items}
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, torch.dtype):
        return {_DTYPE: str(value).removeprefix("torch.")}
    raise MlfpError(
        f"the state of the training holds a {type(value).__name__}, which no checkpoint can keep",
        where=place,
        hints=["Checkpoints hold tensors, numbers, texts, lists and mappings. Use another optimizer or loss."],
    )


def _unpack(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    if isinstance(value, list):
        return [_unpack(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    if _TENSOR in value:
        return tensors[value[_TENSOR]]
    if _TUPLE in value:
        return tuple(_unpack(item, tensors) for item in value[_TUPLE])
    if _DTYPE in value:
        return getattr(torch, value[_DTYPE])
    if _PAIRS in value:
        return {key: _unpack(item, tensors) for key, item in value[_PAIRS]}
    return {key: _unpack(item, tensors) for key, item in value.items()}


def module_state(module: nn.Module) -> dict[str, Any]:
    """Parameters, buffers, and the plain attributes of a module and of those in it.

    The last because what others' modules count in plain attributes changes their numbers too: whether the memory of
    pytorch-metric-learning's CrossBatchMemory is filled, for one, is in no ``state_dict``.
    """
    return {"tensors": dict(module.state_dict()), "plain": {name: _plain(part) for name, part in _parts(module)}}


def load_module_state(module: nn.Module, state: Mapping[str, Any]) -> None:
    """Put :func:`module_state` back."""
    module.load_state_dict(state["tensors"])
    for name, part in _parts(module):
        for attribute, value in state["plain"].get(name, {}).items():
            setattr(part, attribute, value)


def _parts(module: nn.Module) -> list[tuple[str, nn.Module]]:
    return list(module.named_modules())


def _plain(module: nn.Module) -> dict[str, Any]:
    return {
        name: value
        for name, value in vars(module).items()
        if name not in vars(nn.Module()) and (isinstance(value, _PLAIN) or _plain_list(value))
    }


def _plain_list(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, _PLAIN) for item in value)


def load_optimizer_state(optimizer: Optimizer, state: Mapping[str, Any]) -> None:
    """Put an optimizer's ``state_dict`` back, its tensors laid out in memory as its parameters are.

    The layout decides in which order sums are taken, and so the last bit of them.
    """
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    laid_out = {
        number: {name: _like(parameters[number], value) for name, value in values.items()}
        for number, values in state["state"].items()
    }
    optimizer.load_state_dict({**state, "state": laid_out})


def _like(parameter: Tensor, value: Any) -> Any:
    if not isinstance(value, Tensor) or value.shape != parameter.shape:
        return value
    return torch.empty_like(parameter, dtype=value.dtype, device="cpu").copy_(value)
