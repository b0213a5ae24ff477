"""tensorboard: learning curves for TensorBoard."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlfp.errors import ComponentImportError

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


class TensorBoard:
    """Writes every number of a training as a scalar, its settings as text; look at them with ``tensorboard --logdir``.

    What a killed run wrote beyond its last checkpoint is purged when the training goes on.

    :param folder: where to write, a folder a run; None means ``tensorboard`` in the run's own folder.
    :param every: steps from one writing to the next. Steps with a validation are always written.
    """

    def __init__(self, folder: Path | None = None, every: int = 1) -> None:
        self.folder = folder
        self.every = every
        self._writer: SummaryWriter | None = None
        self._begin = (Path(), "")

    def run_started(self, name: str, folder: Path, settings: Mapping[str, Any]) -> None:
        """Remember where; the writer is made at the first step, which says what to purge.

        :raises ComponentImportError: tensorboard is not installed.
        """
        try:
            from torch.utils.tensorboard import SummaryWriter as Writer
        except ImportError as error:
            hints = ["It needs: pip install 'mlfp[tensorboard]'"]
            raise ComponentImportError(f"observer mlfp/tensorboard cannot be used: {error}", hints=hints) from error
        target = folder / "tensorboard" if self.folder is None else self.folder / name
        self._writer, self._begin = None, (target, json.dumps(settings, indent=2))
        self._make = Writer

    def step_finished(self, step: int, values: Mapping[str, float]) -> None:
        """Write the values of a step, ``a.b`` as ``a/b``: TensorBoard groups by what stands before the slash."""
        if self._writer is None:
            target, settings = self._begin
            self._writer = self._make(str(target), purge_step=step)
            self._writer.add_text("settings", f"```\n{settings}\n```", step)
        if step % self.every == 0 or any(name.startswith("val.") for name in values):
            for name, value in values.items():
                self._writer.add_scalar(name.replace(".", "/"), value, step)

    def run_finished(self, values: Mapping[str, float]) -> None:
        """Write what is left and close."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
