"""What decides a training, as a configuration writes it. Reading it imports no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationError,
    field_validator,
    model_validator,
)

from mlfp.errors import ParameterError, nearest
from mlfp.libraries import pretrained
from mlfp.registry import Registry
from mlfp.training import schedules
from mlfp.training.checks import check_components
from mlfp.training.wording import HERE, complaint, explained
from mlfp.types.spec import Spec

#: Length of a fingerprint unless the encoder's ``embedding_dim`` says otherwise (Few-Shot Fingerprinting, figure 1).
EMBEDDING_DIM = 128
#: Schedules of the learning rate.
SCHEDULES = ("cosine", "one-cycle", "cosine-restarts", "constant")


def _component(value: object) -> Spec:
    """A spec, with its own complaint turned into one that pydantic can place."""
    try:
        return Spec.parse(value)
    except ParameterError as error:
        raise complaint(error.what, *error.hints) from error


def _number(value: Any) -> Any:
    """Booleans are no numbers, though Python counts them: YAML reads ``yes`` as one."""
    if isinstance(value, bool):
        raise complaint(f"{HERE} should be a number, got {value!r}")
    return value


def _weight(value: Any) -> float | dict[str, Any]:
    try:
        schedules.parse(value)
    except ParameterError as error:
        what = error.what.replace("the weight", HERE)
        raise complaint(what, *error.hints, key=error.key) from error
    return dict(value) if isinstance(value, Mapping) else float(value)


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


Component = Annotated[Spec, PlainValidator(_component), PlainSerializer(Spec.to_config)]
Count = Annotated[int, BeforeValidator(_number), Field(ge=1)]
Positive = Annotated[float, BeforeValidator(_number), Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, BeforeValidator(_number), Field(ge=0, allow_inf_nan=False)]
Finite = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]


class Settings(BaseModel):
    """A mapping of a configuration: its keys are known, and it does not change once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class MemorySettings(Settings):
    """A cross-batch memory: embeddings of past batches that a term compares the batch with (Wang et al. 2020).

    :param size: rows it holds. Packhäuser et al. 2022 have 128.
    :param warmup: epochs, from the first, in which it is filled but not used.
    """

    size: Count = 1024
    warmup: Annotated[int, BeforeValidator(_number), Field(ge=0)] = 1


class TermSettings(Settings):
    """One term of the objective.

    :param loss: a loss; the miner's tuples go to it.
    :param miner: what it is given of the batch; None means everything.
    :param views: the rows it sees: those of the ``first`` view, of the ``second``, or of ``both``.
    :param weight: a number, or ``{schedule: linear, ...}`` (:mod:`mlfp.training.schedules`).
    :param scale: a constant factor besides. DeepBrainPrint's released code has 1e4 for its contrastive term, where the
        paper prints none.
    :param memory: ``{size: 1024, warmup: 1}`` also compares with embeddings of past batches; None with none.
    """

    loss: Component
    miner: Component | None = None
    views: Literal["first", "second", "both"] = "first"
    weight: Annotated[float | dict[str, Any], PlainValidator(_weight)] = 1.0
    scale: Finite = 1.0
    memory: MemorySettings | None = None


class ProjectorSettings(Settings):
    """Layers between encoder and losses: for each width a linear map, a normalisation and an activation.

    :param dims: widths. DeepBrainPrint has ``[2048]``.
    :param norm: normalisation after each linear map.
    :param activation: after each normalisation.
    :param bare_last: leave the last map without normalisation and activation (Barlow Twins, SimCLR).
    """

    dims: Annotated[list[Count], Field(min_length=1)]
    norm: Literal["batch", "layer"] | None = "batch"
    activation: Literal["relu", "gelu"] | None = "relu"
    bare_last: bool = False


class BatchSettings(Settings):
    """What a batch holds: ``subjects`` with ``scans`` each, or ``size`` scans at random; every scan in ``views`` views.

    :param subjects: subjects a batch.
    :param scans: scans of each; 2 in both papers.
    :param size: scans a batch, drawn whatever their subject. Excludes ``subjects`` and ``scans``.
    :param views: how often each scan is augmented.
    :param allow_repeats: also draw subjects with fewer scans, repeating those they have.
    """

    subjects: Count | None = None
    scans: Count | None = None
    size: Count | None = None
    views: Annotated[Count, Field(le=2)] = 1
    allow_repeats: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.size is not None and (self.subjects is not None or self.scans is not None):
            raise complaint(
                "a batch has either 'subjects' with 'scans' each, or 'size', not both",
                "Write {subjects: 32, scans: 2}, or {size: 64, views: 2}",
            )
        if self.size is not None and self.allow_repeats:
            raise complaint("'allow_repeats' is for batches of 'subjects'", key=("allow_repeats",))
        return self

    @property
    def scans_each(self) -> int:
        """Blocks of scans within a view: 1 where scans are drawn at random."""
        return 1 if self.size is not None else self.scans or 2


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
    keep: list[str] = []
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


_INFONCE = TermSettings(loss=Spec("infonce"))


class TrainingSettings(Settings):
    """All that decides a training but the scans and the seed: ``base`` of a comparison.

    The defaults are a baseline that trains on a CPU: InfoNCE, cosine distance, 32 subjects with 2 scans a batch, AdamW
    at 1e-3 with warm-up and cosine decay. InfoNCE, because it does not collapse: on small data, triplets of hard
    negatives (Algorithm 1 of Few-Shot Fingerprinting) with the cosine soon have all distances near 0 and the loss at
    its margin.

    :param encoder: an encoder.
    :param projector: layers between encoder and losses, dropped after training unless ``evaluate_on`` keeps them.
    :param distance: how fingerprints are compared; for every loss, miner and index that names none.
    :param evaluate_on: whose output the fingerprint is.
    :param augmentations: in order; every view of every scan has its own draws.
    :param objective: the terms that are added up.
    """

    encoder: Component
    projector: ProjectorSettings | None = None
    distance: Literal["cosine", "l2", "inner"] = "cosine"
    evaluate_on: Literal["encoder", "projector"] = "encoder"
    augmentations: list[Component] = []
    objective: Annotated[list[TermSettings], Field(min_length=1)] = [_INFONCE]
    batch: BatchSettings = BatchSettings()
    train: TrainSettings = TrainSettings()

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.evaluate_on == "projector" and self.projector is None:
            raise complaint(
                "evaluate_on is 'projector', but there is no projector",
                "Add one, projector: {dims: [128]}, or write evaluate_on: encoder",
                key=("evaluate_on",),
            )
        for place, term in enumerate(self.objective):
            if term.views != "first" and self.batch.views == 1:
                raise complaint(
                    f"a term looks at {term.views} views, but a batch has one view",
                    "Write batch: {..., views: 2}, with augmentations that make the views differ",
                    key=("objective", place, "views"),
                )
        return self

    @classmethod
    def parse(cls, mapping: object) -> TrainingSettings:
        """Read the mapping of a configuration.

        :raises ParameterError: an unknown key, a wrong value, or values that do not go together; its ``key`` is the
            path below this mapping.
        """
        if isinstance(mapping, TrainingSettings):
            return mapping
        if not isinstance(mapping, Mapping):
            raise ParameterError(f"expected a mapping with 'encoder', got {mapping!r}")
        try:
            return cls.model_validate(dict(mapping))
        except ValidationError as error:
            raise explained(error, keys_at) from error

    def to_config(self) -> dict[str, Any]:
        """The mapping this was, or could have been, read from, defaults included; ready for JSON."""
        return self.model_dump(mode="json")

    def decisive(self) -> dict[str, Any]:
        """What of it decides the numbers, for a run's id: files of weights by their content.

        :raises ParameterError: one is not there.
        """
        config = self.to_config()
        config["encoder"] = pretrained.by_content(config["encoder"])
        del config["train"]["checkpoint_seconds"]
        train = config["train"]
        # What stands at a default that once was the only way says nothing: runs keep their ids.
        for place, name, usual in (
            (train, "freeze", None),
            (train["optimizer"], "reference_batch", None),
            (train["schedule"], "unit", "epochs"),
            (train["schedule"], "momentum", None),
        ):
            if place[name] == usual:
                del place[name]
        for term in config["objective"]:
            if term["memory"] is None:
                del term["memory"]
        return config

    def check(self, registry: Registry, *, in_channels: int, spatial_dims: int) -> None:
        """Check every component, before any training.

        :raises ParameterError: one is unknown, has a wrong parameter, or does not work in this many dimensions.
        """
        check_components(self, registry, in_channels=in_channels, spatial_dims=spatial_dims)

    def smoke(self) -> TrainingSettings:
        """The same training made tiny: one epoch of two steps, with at most 4 subjects or scans a batch."""
        asked = {name: min(4, value) for name in ("size", "subjects") if (value := getattr(self.batch, name))}
        batch = self.batch.model_copy(update=asked)
        train = self.train.model_copy(update={"epochs": 1, "steps": None, "steps_per_epoch": 2, "validate_every": 1})
        return self.model_copy(update={"batch": batch, "train": train})


def keys_at(path: tuple[str | int, ...]) -> list[str]:
    """The keys of the mapping at this path of a configuration; list positions do not count."""
    places: dict[tuple[str, ...], type[BaseModel]] = {
        ("projector",): ProjectorSettings,
        ("objective",): TermSettings,
        ("objective", "memory"): MemorySettings,
        ("batch",): BatchSettings,
        ("train",): TrainSettings,
        ("train", "schedule"): ScheduleSettings,
        ("train", "freeze"): FreezeSettings,
    }
    names = tuple(part for part in path if isinstance(part, str))
    return list(places.get(names, TrainingSettings).model_fields)
