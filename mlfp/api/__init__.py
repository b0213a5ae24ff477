"""The doors from Python, each the same as the command of its name: ``import mlfp; mlfp.bench("losses.yaml")``.

Calls are silent unless given ``progress`` (called with what is being done, how many are done, and of how many) and
``announce`` (called with a line for whatever ends or is left out). Throughout, ``data`` is a manifest, a folder or
``dataset:path``; ``device`` is ``auto`` (the first accelerator, else the CPU), ``cpu``, ``cuda:1``, ...; and
``workers`` counts processes, unless given one a core where that saves time.

Nothing here imports torch until there is work for it, and a door is read from its file when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlfp.api.common import Announce
    from mlfp.api.comparisons import bench, compare, page, report
    from mlfp.api.data import inspect, prepare
    from mlfp.api.leakage import calibrate, leaks
    from mlfp.api.models import Trained, explain, train
    from mlfp.api.stores import Embedded, embed, evaluate, search, store_add, store_remove

__all__ = [
    "Announce",
    "Embedded",
    "Trained",
    "bench",
    "calibrate",
    "compare",
    "embed",
    "evaluate",
    "explain",
    "inspect",
    "leaks",
    "page",
    "prepare",
    "report",
    "search",
    "store_add",
    "store_remove",
    "train",
]

#: The file of each.
_FILES = {
    "common": ("Announce",),
    "comparisons": ("bench", "compare", "page", "report"),
    "data": ("inspect", "prepare"),
    "leakage": ("calibrate", "leaks"),
    "models": ("Trained", "explain", "train"),
    "stores": ("Embedded", "embed", "evaluate", "search", "store_add", "store_remove"),
}


def __getattr__(name: str) -> Any:
    for file, names in _FILES.items():
        if name in names:
            return getattr(importlib.import_module(f"mlfp.api.{file}"), name)
    raise AttributeError(f"module 'mlfp.api' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
