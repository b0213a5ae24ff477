"""How the weights are found: optimizer, learning rate, length, and what stands still. Reading it imports no torch."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from mlfp.errors import nearest
from mlfp.training.fields import Count, NonNegative, Positive, Settings
from mlfp.training.wording import complaint

#: Schedules of the learning rate.
SCHEDULES = ("cosine", "one-cycle", "cosine-restarts", "constant")


def _named(value: Any) -> Any:
    """A bare name is short for a mapping with ``use``."""
    return {"use": value} if isinstance(value, str) else value


def _names(value: Any) -> Any:
    """A name or a list of them is short for a mapping with ``names``."""
    return {"names": [value] if isinstance(value, str) else value} if isinstance(value, str | list) else value


def _plain(value: Any) -> Any:
    """Text that is a number as that number: YAML reads ``1e-3`` as text."""
    if not isinstance(value, str):
        return [_plain(item) for item in value] if isinstance(value, list) else value
    try:
        return float(value)
    except ValueError:
        return value


class OptimizerSettings(BaseModel):
    """An optimizer of ``torch.optim`` or ``timm.optim``, by name; further keys are its own arguments.

    :param use: ``adamw`` (default), ``sgd``, ``lars``, ...
    :param lr: peak learning rate. 1e-3 is that of Few-Shot Fingerprinting's released code.
    :param weight_decay: None means the optimizer's default. LARS adapts only what has any.
    :param bias_lr: another rate for parameters with one dimension (biases, normalisation), as DeepBrainPrint has.
    :param bias_weight_decay: another weight decay for them; with LARS, 0 also exempts them from adaptation.
    :param reference_batch: both rates are those for a batch of so many scans, and are scaled to the batch's: with 256,
        ``lr: 0.2`` is DeepBrainPrint's 0.2 b / 256. None takes them as they stand.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    use: str = "adamw"
    lr: Positive = 1e-3
    weight_decay: NonNegative | None = None
    bias_lr: Positive | None = None
    bias_weight_decay: NonNegative | None = None
    reference_batch: Count | None = None

    def for_batch(self, scans: int) -> OptimizerSettings:
        """With the rates for a batch of so many scans, views not counted."""
        if self.reference_batch is None:
            return self
        share = scans / self.reference_batch
        bias_lr = None if self.bias_lr is None else self.bias_lr * share
        return self.model_copy(update={"lr": self.lr * share, "bias_lr": bias_lr, "reference_batch": None})

    @property
    def further(self) -> dict[str, Any]:
        """The optimizer's own arguments, text that is a number taken as one."""
        return {name: _plain(value) for name, value in (self.model_extra or {}).items()}


class ScheduleSettings(Settings):
    """How the learning rate goes, as a factor of the peak, for every optimizer step.

    :param use: ``cosine`` (down to ``floor`` at the end), ``one-cycle`` (Smith 2018, as torch's OneCycleLR: from 1/25
        up over ``warmup`` and down to ``floor``, by cosines), ``cosine-restarts`` (Loshchilov & Hutter 2017), or
        ``constant``.
    :param warmup: epochs of linear rise from zero. Unless given, 1 for ``cosine`` (a tenth of shorter trainings), 30 %
        of all for ``one-cycle``, 0 for the others. DeepBrainPrint has 10.
    :param floor: the lowest factor. DeepBrainPrint ends at 1/1000.
    :param period: epochs between restarts. 10, which are 100 steps, is Few-Shot Fingerprinting's released code.
    :param unit: what ``warmup`` and ``period`` count.
    :param momentum: of ``one-cycle``, at both ends and at the peak: torch's OneCycleLR has ``[0.95, 0.85]``. None
        leaves the optimizer's.
    """

    use: str = "cosine"
    warmup: NonNegative | None = None
    floor: Annotated[NonNegative, Field(le=1)] = 0.0
    period: Positive = 10.0
    unit: Literal["epochs", "steps"] = "epochs"
    momentum: tuple[NonNegative, NonNegative] | None = None

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.momentum is not None and self.use != "one-cycle":
            raise complaint(f"schedule {self.use!r} moves no momentum", "one-cycle does.", key=("momentum",))
        if self.unit == "steps" and self.use == "cosine-restarts" and "period" not in self.model_fields_set:
            raise complaint("with unit 'steps', say how many a period has", "For example: period: 100", key=("unit",))
        return self

    @field_validator("use")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in SCHEDULES:
            raise complaint(f"unknown schedule {value!r}", *nearest(value, SCHEDULES), f"Known: {', '.join(SCHEDULES)}")
        return value


class FreezeSettings(Settings):
    """Weights of the encoder that training leaves as they are.

    :param names: layers or weights: a name stands for all below it, and ``*`` for any text
        (``[conv1, layer1, 'layer2.*.conv1']``).
    :param keep: those among them that are trained after all.
    :param batch_norm: what batch normalisation does there: ``frozen`` normalises by the statistics it came with, and
        they do not move; with ``statistics`` they move, and a batch is normalised by its own (what setting
        ``requires_grad`` alone does); with ``train`` its weights are trained besides.
    """

    names: Annotated[list[str], Field(min_length=1)]
    keep: list[str] = Field(default_factory=list)
    batch_norm: Literal["frozen", "statistics", "train"] = "frozen"


class TrainSettings(Settings):
    """How the weights are found.

    :param epochs: passes over the subjects (or scans); 30 unless ``steps`` is given.
    :param steps: optimizer steps, instead of ``epochs``.
    :param steps_per_epoch: None means one pass of the sampler.
    :param optimizer: a name, or ``{use: name, lr: ...}``.
    :param loss_lr: learning rate of the losses' own weights (proxies); None means the optimizer's. Musgrave et al.
        search it apart, for it matters.
    :param schedule: a name, or ``{use: name, ...}``.
    :param precision: of the forward pass; mining and losses are always 32 bit.
    :param clip: largest norm of the gradient; None leaves it.
    :param validate_every: epochs from one validation to the next.
    :param patience: validations without a better map_at_r after which training stops; None never stops early. ``auto``
        is 10 where there are scans to validate on, and None where the split gives none.
    :param min_delta: what counts as better.
    :param encode: all rows of a batch in one forward pass (``together``), or one for each block of a view and a scan
        (``apart``, as Few-Shot Fingerprinting's released code: batch normalisation then sees each block by itself).
    :param freeze: weights of the encoder that are not trained: names, or ``{names: ..., batch_norm: ...}``.
    :param checkpoint_seconds: a checkpoint is written after the first step that ends so long after the last one; 0
        writes one after every step. It never changes a number.
    """

    epochs: Count | None = None
    steps: Count | None = None
    steps_per_epoch: Count | None = None
    optimizer: Annotated[OptimizerSettings, BeforeValidator(_named)] = OptimizerSettings()
    loss_lr: Positive | None = None
    schedule: Annotated[ScheduleSettings, BeforeValidator(_named)] = ScheduleSettings()
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    clip: Positive | None = None
    validate_every: Count = 1
    patience: Count | Literal["auto"] | None = "auto"
    min_delta: NonNegative = 0.0
    encode: Literal["together", "apart"] = "together"
    freeze: Annotated[FreezeSettings | None, BeforeValidator(_names)] = None
    checkpoint_seconds: NonNegative = 20.0

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if self.epochs is not None and self.steps is not None:
            raise complaint("a training has either 'epochs' or 'steps', not both")
        return self

    def total_steps(self, steps_per_epoch: int) -> int:
        """Optimizer steps, when no early stop comes first."""
        return self.steps if self.steps is not None else (self.epochs or 30) * steps_per_epoch

    def total_epochs(self, steps_per_epoch: int) -> int:
        """Epochs, the last of which ``steps`` may cut short."""
        return math.ceil(self.total_steps(steps_per_epoch) / steps_per_epoch)

    def decisive(self) -> dict[str, Any]:
        """What of it decides the numbers, ready for JSON."""
        config = self.model_dump(mode="json")
        del config["checkpoint_seconds"]
        # What stands at a default that once was the only way says nothing: runs keep their ids.
        for place, name, usual in (
            (config, "freeze", None),
            (config["optimizer"], "reference_batch", None),
            (config["schedule"], "unit", "epochs"),
            (config["schedule"], "momentum", None),
        ):
            if place[name] == usual:
                del place[name]
        return config
