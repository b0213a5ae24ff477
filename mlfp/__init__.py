"""mlfp: subject fingerprinting in medical images.

Which scans belong to the same person, and which method tells best? The doors (``mlfp.bench``, ``mlfp.train``,
``mlfp.embed``, ...) live in :mod:`mlfp.api` and load on first use, so that ``import mlfp`` imports no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from mlfp.hookspecs import hookimpl

if TYPE_CHECKING:
    from mlfp.api import (
        bench,
        calibrate,
        compare,
        embed,
        evaluate,
        explain,
        inspect,
        leaks,
        prepare,
        report,
        search,
        store_add,
        store_remove,
        train,
    )

__all__ = [
    "bench",
    "calibrate",
    "compare",
    "embed",
    "evaluate",
    "explain",
    "hookimpl",
    "inspect",
    "leaks",
    "prepare",
    "report",
    "search",
    "store_add",
    "store_remove",
    "train",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name in ("bench", "explain", "leaks", "report", "search"):  # packages as well: see mlfp.doors
        return importlib.import_module(f"mlfp.{name}")
    if name in __all__:
        return getattr(importlib.import_module("mlfp.api"), name)
    raise AttributeError(f"module 'mlfp' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
