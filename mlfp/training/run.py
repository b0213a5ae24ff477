"""A training on its way: where it is, one step, one validation, and going on after a kill."""

from __future__ import annotations

import logging
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor

from mlfp.errors import MlfpError, ParameterError, UsageError
from mlfp.execution.progress import Progress
from mlfp.fingerprints.embedding import lay_out, memory_format, vectors
from mlfp.fingerprints.model import untrained
from mlfp.seeds import seeded_globals
from mlfp.training import checkpoint, curves
from mlfp.training.audience import Audience
from mlfp.training.augment import AugmentationChain
from mlfp.training.batches import Batch, Batches
from mlfp.training.freezing import freeze
from mlfp.training.gauges import gauges
from mlfp.training.material import Material
from mlfp.training.objective import Objective
from mlfp.training.optimizers import build_optimizer, momentum_by_step, rate_factor, set_momentum, set_rate
from mlfp.training.settings import TrainingSettings
from mlfp.training.small_maps import sound_gradients
from mlfp.training.terms import ObjectiveValue
from mlfp.training.validation import Watch, can_validate, map_at_r

_DIVERGED = (
    "The training diverged. Lower train.optimizer.lr, lengthen train.schedule.warmup, or set train.clip (1.0).",
    "With train.precision bf16-mixed, try 32-true.",
)


@dataclass
class Place:
    """How far a training has come.

    :param step: optimizer steps taken.
    :param seconds: spent on them, in all runs.
    """

    step: int = 0
    seconds: float = 0.0
    stopped_early: bool = False
    finished: bool = False


class Run:
    """A training on its way.

    :param material: what decides its numbers.
    :param folder: where its checkpoint and curves lie; a checkpoint there is gone on from.
    :raises ParameterError: settings and scans do not go together.
    :raises UsageError: the checkpoint is another training's.
    """

    def __init__(
        self, material: Material, folder: Path, device: torch.device, audience: Audience, progress: Progress
    ) -> None:
        self.material, self.settings, self.seed = material, material.settings, material.seed
        self.folder, self.device, self.audience, self.report = folder, device, audience, progress
        self.model = untrained(material.card(), self.seed)
        self.watch = Watch(material.patience, self.settings.train.min_delta)
        self.best: dict[str, Tensor] | None = None
        self.place = Place()
        self._set_up()
        path = folder / checkpoint.FILE
        if path.exists():
            self._restore(checkpoint.read(path))

    def _set_up(self) -> None:
        train = self.settings.train
        self.still = freeze(self.model, train.freeze)
        layout = memory_format(self.model, self.model.card.spatial_dims, train.precision)
        lay_out(self.model, layout)
        self.batches = Batches(
            self.material.train,
            self.settings.batch,
            _augmentations(self.material),
            seed=self.seed,
            device=self.device,
            memory_format=layout,
        )
        self.steps_per_epoch = train.steps_per_epoch or self.batches.per_pass
        self.steps = train.total_steps(self.steps_per_epoch)
        self.epochs = train.total_epochs(self.steps_per_epoch)
        self.factor = rate_factor(train.schedule, steps=self.steps, steps_per_epoch=self.steps_per_epoch)
        self.momentum = momentum_by_step(train.schedule, steps=self.steps, steps_per_epoch=self.steps_per_epoch)
        self.objective = _objective(self.settings, self.batches, self.model.training_dim, self.seed)
        self.fabric = _fabric(self.device, train.precision)
        self.objective.to(self.device)
        self.peak = train.optimizer.for_batch(self.batches.layout.rows_per_view)
        train = train.model_copy(update={"optimizer": self.peak})
        self.optimizer = build_optimizer(self.model, self.objective.loss_parameters(), train)
        self.module, self.stepper = self.fabric.setup(self.model, self.optimizer)

    def finish(self) -> None:
        """Train to the end, from wherever it is, and put the best weights in; the model ends on the CPU."""
        if not self.place.finished:
            self._train()
        if self.best is not None:
            self.model.load_state_dict(self.best)
        self.model.to("cpu").eval()

    def _train(self) -> None:
        self.audience.run_started(self.folder.name, self.folder, self.settings.to_config())
        lines = curves.Curves(self.folder / curves.FILE, after=self.place.step)
        begun = saved = time.perf_counter()
        before = self.place.seconds
        try:
            with _exactly(self.device):
                while self.place.step < self.steps and not self.place.stopped_early:
                    values = self._step()
                    lines.add(self.place.step, self.epoch, values)
                    self.audience.step_finished(self.place.step, values)
                    self.report("training", self.place.step, self.steps)
                    now = time.perf_counter()
                    self.place.seconds = before + now - begun
                    if now - saved >= self.settings.train.checkpoint_seconds:
                        self._save()
                        saved = time.perf_counter()
        finally:
            lines.close()
        self.place.finished = True
        self._save()
        self.audience.run_finished({} if self.watch.best is None else {"val.map_at_r": self.watch.best})

    @property
    def epoch(self) -> int:
        """The epoch, counted from 1, of the step that was taken last; 0 before the first."""
        return -(-self.place.step // self.steps_per_epoch)

    def _step(self) -> dict[str, float]:
        """Take one optimizer step; gives what to log, validation included where one is due."""
        step, epoch = self.place.step, self.place.step // self.steps_per_epoch
        batch = self.batches.batch(step, epoch)
        self.module.train()
        for layer in self.still:
            layer.eval()
        with seeded_globals(self.seed, "step", epoch, step, device=self.device):
            with sound_gradients(self.device, self.settings.train.precision):
                embeddings = self._encode(batch.images)
            value = self._value(embeddings, batch, step, epoch)
            self.fabric.backward(value.total)
            self._update(step)
        self.place.step += 1
        values = {**value.values, "lr": self.peak.lr * self.factor(step)}
        if self.place.step % self.steps_per_epoch == 0 or self.place.step == self.steps:
            found = gauges(embeddings[: self.batches.layout.rows_per_view], self.settings.distance)
            values |= {f"train.{name}": number for name, number in found.items()}
            values |= self._validate(epoch + 1)
        return values

    def _update(self, step: int) -> None:
        """Move the weights. Some optimizers draw at random: they are seeded as the forward pass is."""
        if self.settings.train.clip is not None:
            self.fabric.clip_gradients(self.module, self.stepper, max_norm=self.settings.train.clip)
        set_rate(self.optimizer, self.factor(step))
        if self.momentum is not None:
            set_momentum(self.optimizer, self.momentum(step))
        self.stepper.step()
        self.stepper.zero_grad()

    def _encode(self, images: Tensor) -> Tensor:
        if self.settings.train.encode == "together":
            embeddings: Tensor = self.module(images)
            return embeddings.float()
        blocks = torch.split(images, self.batches.layout.subjects)
        return torch.cat([self.module(block) for block in blocks]).float()

    def _value(self, embeddings: Tensor, batch: Batch, step: int, epoch: int) -> ObjectiveValue:
        where = f"step {step + 1} of {self.steps}, epoch {epoch + 1}"
        if not bool(torch.isfinite(embeddings).all()):
            raise MlfpError("the model's output is no longer finite", where=where, hints=_DIVERGED)
        try:
            value: ObjectiveValue = self.objective(
                embeddings,
                batch.labels,
                self.batches.layout,
                epoch,
                self.epochs,
                (self.seed, "objective", epoch, step),
                scans=batch.scans,
            )
        except MlfpError as error:
            raise error.at(where) from error
        if not bool(torch.isfinite(value.total)):
            said = ", ".join(f"{name} = {number:.6g}" for name, number in value.values.items())
            raise MlfpError(f"the objective is {float(value.total)}: {said}", where=where, hints=_DIVERGED)
        return value

    def _validate(self, epoch: int) -> dict[str, float]:
        """Measure on the validation scans, when it is due, and keep the weights if they are the best."""
        due = epoch % self.settings.train.validate_every == 0 or self.place.step == self.steps
        if not due or not can_validate(self.material.val.table):
            return {}
        found = vectors(
            self.model.embed, self.model, self.material.val, device=self.device, precision=self.settings.train.precision
        )
        if not np.isfinite(found).all():
            where = f"validation after epoch {epoch}"
            raise MlfpError("the model's output is no longer finite", where=where, hints=_DIVERGED)
        value = map_at_r(self.material.val.table, found, self.settings.distance)
        if self.watch.better(value, epoch):
            self.best = {name: tensor.detach().cpu().clone() for name, tensor in self.model.state_dict().items()}
        self.place.stopped_early = self.watch.over and self.place.step < self.steps
        spread = gauges(torch.from_numpy(found), self.settings.distance)
        return {"val.map_at_r": value, **{f"val.{name}": number for name, number in spread.items()}}

    def _save(self) -> None:
        """Write all that going on needs; of a finished training only the best weights."""
        state: dict[str, Any] = {
            "training": self.model.card.training,
            "place": asdict(self.place),
            "watch": asdict(self.watch),
            "best": self.best,
        }
        if not self.place.finished or self.best is None:
            state["model"] = checkpoint.module_state(self.model)
        if not self.place.finished:
            state["objective"] = checkpoint.module_state(self.objective)
            state["optimizer"] = self.optimizer.state_dict()
        checkpoint.write(self.folder / checkpoint.FILE, state)

    def _restore(self, state: dict[str, Any]) -> None:
        if state["training"] != self.model.card.training:
            raise UsageError(
                f"{self.folder} holds a checkpoint of another training",
                where=str(self.folder / checkpoint.FILE),
                hints=["Its settings, scans or seed differ. Delete it, or choose another folder."],
            )
        self.place, self.watch, self.best = Place(**state["place"]), Watch(**state["watch"]), state["best"]
        if "model" in state:
            checkpoint.load_module_state(self.model, state["model"])
        if "objective" in state:
            checkpoint.load_module_state(self.objective, state["objective"])
            checkpoint.load_optimizer_state(self.optimizer, state["optimizer"])


def _augmentations(material: Material) -> AugmentationChain:
    scans = material.train
    try:
        return AugmentationChain.build(
            material.settings.augmentations,
            spatial_dims=scans.spatial_dims,
            in_channels=scans.shape[0],
            spacing=scans.spacing,
        )
    except ParameterError as error:
        raise error.under("augmentations") from error


def _objective(settings: TrainingSettings, batches: Batches, embedding_size: int, seed: int) -> Objective:
    """The objective, tried once on made-up embeddings so that what cannot work fails before the first step."""
    classes = len(np.unique(batches.scans.table.labels()))
    try:
        objective = Objective(
            settings.objective,
            num_classes=classes,
            embedding_size=embedding_size,
            distance=settings.distance,
            seed=seed,
        )
        objective.rehearse(batches.layout, embedding_size)
    except ParameterError as error:
        raise error.under("objective") from error
    return objective


def _exactly(device: torch.device) -> AbstractContextManager[Any]:
    """On a GPU, convolutions that give the same sums every time; a CPU's do anyway."""
    if device.type != "cuda":
        return nullcontext()
    flags: AbstractContextManager[Any] = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True)
    return flags


def _fabric(device: torch.device, precision: Any) -> Fabric:
    # It announces its precision plugin at every start, which is no news in a comparison of many trainings.
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    chosen: Any = 1 if device.type == "cpu" else [device.index or 0]
    return Fabric(accelerator=device.type, devices=chosen, precision=precision)
