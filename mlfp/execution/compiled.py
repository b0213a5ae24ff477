"""Compiling inner loops with numba, where there is numba."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


@functools.cache
def kernels(module: str) -> ModuleType | None:
    """A module of compiled kernels, imported on first use, for numba takes a second.

    None where numba cannot be imported, as with a numpy that is newer than it knows. Whoever asks has a torch twin of
    every kernel.
    """
    try:
        importlib.import_module("numba")
    except ImportError:
        return None
    return importlib.import_module(module)


def compiled(function: Function) -> Function:
    """Compile on first call, without holding the interpreter's lock; kept beside the source where that can be written.

    Products and sums may be fused, so a last bit may differ from torch's; nothing is reordered.
    """
    import numba

    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}
    try:
        made: Function = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # there is no folder to keep it in
        made = numba.njit(**options)(function)
    return made


def inlined(function: Function) -> Function:
    """As :func:`compiled`, for the small ones that others call for every voxel."""
    import numba

    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}
    made: Function = numba.njit(inline="always", **options)(function)
    return made
