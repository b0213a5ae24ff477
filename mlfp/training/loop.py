"""The one training loop's door: train a model, or go on with a training that was killed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlfp.execution.progress import Progress, silent
from mlfp.fingerprints import model
from mlfp.fingerprints.embedding import device_of
from mlfp.fingerprints.model import FingerprintModel
from mlfp.interfaces.observer import Observer
from mlfp.training import checkpoint, curves
from mlfp.training.audience import Audience
from mlfp.training.material import Material, card_of
from mlfp.training.run import Run
from mlfp.training.settings import TrainingSettings

if TYPE_CHECKING:
    from mlfp.data.scans import ScanSet


@dataclass(frozen=True)
class TrainingResult:
    """A finished training.

    :param model: with the best weights by validation, or the last where nothing was validated; on the CPU.
    :param best_epoch: the epoch of these weights, counted from 1.
    :param map_at_r: of these weights on the validation scans; None where there are none.
    :param epochs: begun.
    :param steps: taken.
    :param stopped_early: whether patience ran out.
    :param seconds: spent training, in all runs that led here.
    :param curves: the file of learning curves.
    """

    model: FingerprintModel
    best_epoch: int
    map_at_r: float | None
    epochs: int
    steps: int
    stopped_early: bool
    seconds: float
    curves: Path

    def discard_checkpoint(self) -> None:
        """Delete what only calling :func:`train` again would read, once model and record are safe elsewhere."""
        (self.curves.parent / checkpoint.FILE).unlink(missing_ok=True)

    def to_json(self) -> dict[str, Any]:
        """What a record keeps of it."""
        names = ("best_epoch", "map_at_r", "epochs", "steps", "stopped_early", "seconds")
        return {name: getattr(self, name) for name in names}


def train(
    settings: TrainingSettings,
    scans: ScanSet,
    *,
    train_rows: np.ndarray,
    val_rows: np.ndarray,
    preprocess: Sequence[dict[str, Any]],
    seed: int,
    folder: Path,
    device: str = "auto",
    observers: Sequence[Observer] = (),
    progress: Progress = silent,
) -> TrainingResult:
    """Train a model, or go on where a killed training of the same kind left off in the same folder.

    A resumed training ends with the numbers of one that was never interrupted, bit for bit on the CPU. Of a finished
    one the result is read back.

    :param scans: all prepared scans.
    :param train_rows: positions of those to train on.
    :param val_rows: positions of those to choose the best weights on.
    :param preprocess: the chain that prepared them, for the model's card.
    :param seed: of everything random in the training.
    :param folder: gets ``checkpoint.safetensors`` and ``curves.jsonl``.
    :raises ParameterError: settings and scans do not go together.
    :raises UsageError: there is nothing to train or validate on, or the folder holds another training.
    :raises MlfpError: a loss is not finite.
    """
    material = Material(settings, scans.select(train_rows), scans.select(val_rows), list(preprocess), seed)
    material.check()
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    run = Run(material, folder, device_of(device), Audience(observers), progress)
    run.finish()
    return TrainingResult(
        model=run.model,
        best_epoch=run.watch.best_epoch or run.epoch,
        map_at_r=run.watch.best,
        epochs=run.epoch,
        steps=run.place.step,
        stopped_early=run.place.stopped_early,
        seconds=run.place.seconds,
        curves=folder / curves.FILE,
    )


def untrained(
    settings: TrainingSettings, scans: ScanSet, *, preprocess: Sequence[dict[str, Any]], seed: int
) -> FingerprintModel:
    """The model that :func:`train` would begin with."""
    return model.untrained(card_of(settings, scans, list(preprocess)), seed).eval()
