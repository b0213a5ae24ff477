"""How the scripts beside this one keep what they measured: a table with its command and its machine."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlfp.bench.environment import environment


def keep(out: Path, title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Write the JSON that docs/generate.py makes a table of.

    :param out: the file.
    :param rows: a value a column.
    """
    machine = environment()
    machine.pop("plugins", None)
    script = f"benchmarks/speed/{Path(sys.argv[0]).name}"
    kept = {
        "title": title,
        "command": f"OMP_NUM_THREADS=1 {shlex.join(['python', script, *sys.argv[1:]])}",
        "machine": machine,
        "columns": list(columns),
        "rows": list(rows),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
