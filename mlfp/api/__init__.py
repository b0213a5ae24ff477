"""The doors from Python, each the same as the command of its name: ``import mlfp; mlfp.bench("losses.yaml")``.

Calls are silent unless given ``progress`` (called with what is being done, how many are done, and of how many) and
``announce`` (called with a line for whatever ends or is left out). Throughout, ``data`` is a manifest, a folder or
``dataset:path``; ``device`` is ``auto`` (the first accelerator, else the CPU), ``cpu``, ``cuda:1``, ...; and
``workers`` counts processes, unless given one a core where that saves time.

Nothing here imports torch until there is work for it.
"""

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
