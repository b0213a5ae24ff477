"""Observer: is told how a run goes. One that raises is dropped with a warning; the run goes on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol


class Observer(Protocol):
    """TensorBoard is built in; others come by plugin."""

    def run_started(self, name: str, folder: Path, settings: Mapping[str, Any]) -> None:
        """A training begins (or resumes) in this folder."""
        ...

    def step_finished(self, step: int, values: Mapping[str, float]) -> None:
        """An optimiser step is done: loss terms, share kept by the miner, learning rate, validation metrics."""
        ...

    def run_finished(self, values: Mapping[str, float]) -> None:
        """The training ended."""
        ...
