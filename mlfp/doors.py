"""Packages that can be called: ``mlfp.bench`` is both the package and the function of that name in :mod:`mlfp.api`.

Importing a submodule makes Python set the package as an attribute of ``mlfp``, in place of any function there. So the
package itself answers the call, and both ``mlfp.bench(...)`` and ``mlfp.bench.engine`` mean what they say.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any


class Door(ModuleType):
    """Assigned to a package's ``__class__``: calling the package calls the function of its name in ``mlfp.api``."""

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        """Call it; see :mod:`mlfp.api` for what it takes."""
        # By name, for the doors are the top of the house and this is its ground.
        return getattr(importlib.import_module("mlfp.api"), self.__name__.rpartition(".")[2])(*args, **keywords)
