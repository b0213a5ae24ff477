"""How long work says where it is, without knowing who listens."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told of progress; the command line draws a bar, a library call is silent."""

    def __call__(self, what: str, done: int, total: int) -> None:
        """``done`` of ``total`` pieces of ``what`` are finished."""
        ...


def silent(what: str, done: int, total: int) -> None:
    """Say nothing."""
