"""Learning curves: ``curves.jsonl``, a line a step."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlfp.execution.files import write_atomically

FILE = "curves.jsonl"


class Curves:
    """Appends a line a step. It holds no times, so that equal trainings write equal files.

    :param path: the file; what it holds beyond step ``after`` was written by a run that was killed after its last
        checkpoint, and is cut off: those steps are taken again.
    """

    def __init__(self, path: Path, *, after: int) -> None:
        self.path = path
        kept = [line for line in read(path) if line["step"] <= after]
        write_atomically(path, "".join(_text(line) for line in kept).encode())
        self._file = path.open("a", encoding="utf-8")

    def add(self, step: int, epoch: int, values: Mapping[str, float]) -> None:
        """Write what was measured at a step; both count from 1."""
        self._file.write(_text({"step": step, "epoch": epoch, **values}))
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _text(line: Mapping[str, Any]) -> str:
    return json.dumps(line) + "\n"


def read(path: Path) -> list[dict[str, Any]]:
    """The whole lines of the file; a process that is killed may leave half of the last."""
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
