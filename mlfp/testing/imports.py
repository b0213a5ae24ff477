"""Whether importing a module is light: what lists and help import must not wait for torch."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Collection

#: What takes long to import.
HEAVY = ("torch", "monai", "timm", "pytorch_metric_learning", "nilearn", "sklearn", "numba", "plotly")
_SCRIPT = "import sys; exec(sys.argv[1]); print(*[name for name in sys.argv[2:] if name in sys.modules])"


def assert_light_import(module: str, *, heavy: Collection[str] = HEAVY, then: str = "") -> None:
    """Check in a fresh interpreter that importing a module imports none of the heavy ones.

    :param module: for example the module that a plugin's entry point names.
    :param heavy: names of modules that must stay out.
    :param then: further statements to run after the import.
    :raises AssertionError: it does, or it cannot be imported.
    """
    command = [sys.executable, "-c", _SCRIPT, f"import {module}\n{then}", *heavy]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"importing {module} failed:\n{done.stderr}")
    found = done.stdout.split("\n")[-2].split()
    if found:
        raise AssertionError(
            f"importing {module} imports {', '.join(found)}: import them inside the functions that need them, "
            f"and register targets as text"
        )
