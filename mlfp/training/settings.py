"""What decides a training, as a configuration writes it. Reading it imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, PlainValidator, ValidationError, model_validator

from mlfp.errors import ParameterError
from mlfp.libraries import pretrained
from mlfp.registry import Registry
from mlfp.training import schedules
from mlfp.training.checks import check_components
from mlfp.training.fields import Component, Count, Finite, Settings, Whole
from mlfp.training.train_settings import FreezeSettings, ScheduleSettings, TrainSettings
from mlfp.training.wording import HERE, complaint, explained
from mlfp.types.spec import Spec

#: Length of a fingerprint unless the encoder's ``embedding_dim`` says otherwise (Few-Shot Fingerprinting, figure 1).
EMBEDDING_DIM = 128


def _weight(value: Any) -> float | dict[str, Any]:
    try:
        schedules.parse(value)
    except ParameterError as error:
        what = error.what.replace("the weight", HERE)
        raise complaint(what, *error.hints, key=error.key) from error
    return dict(value) if isinstance(value, Mapping) else float(value)


class MemorySettings(Settings):
    """A cross-batch memory: embeddings of past batches that a term compares the batch with (Wang et al. 2020).

    :param size: rows it holds. Packhäuser et al. 2022 have 128.
    :param warmup: epochs, from the first, in which it is filled but not used.
    """

    size: Count = 1024
    warmup: Whole = 1


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


class PairSettings(Settings):
    """What the scans of a subject in a batch have to do with each other; see :class:`mlfp.data.pairs.PairRule`.

    :param column: of the scan table.
    :param rule: their values there are all the ``same``, all ``different``, or ``any``.
    :param prefer: also draw subjects that cannot keep the rule, as if there were none.
    """

    column: str
    rule: Literal["same", "different", "any"]
    prefer: bool = False


class BatchSettings(Settings):
    """What a batch holds: ``subjects`` with ``scans`` each, or ``size`` scans at random; every scan in ``views`` views.

    :param subjects: subjects a batch.
    :param scans: scans of each; 2 in both papers.
    :param size: scans a batch, drawn whatever their subject. Excludes ``subjects`` and ``scans``.
    :param views: how often each scan is augmented.
    :param allow_repeats: also draw subjects with fewer scans, repeating those they have.
    :param pair: ``{column: modality, rule: different}`` for scans of a subject that differ in modality; None for any.
    """

    subjects: Count | None = None
    scans: Count | None = None
    size: Count | None = None
    views: Annotated[Count, Field(le=2)] = 1
    allow_repeats: bool = False
    pair: PairSettings | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.size is not None and (self.subjects is not None or self.scans is not None):
            raise complaint(
                "a batch has either 'subjects' with 'scans' each, or 'size', not both",
                "Write {subjects: 32, scans: 2}, or {size: 64, views: 2}",
            )
        if self.size is not None and self.allow_repeats:
            raise complaint("'allow_repeats' is for batches of 'subjects'", key=("allow_repeats",))
        if self.pair is not None and self.scans_each < 2:
            raise complaint(
                "'pair' is about the scans of a subject, and a batch has one of each",
                "Write {subjects: 32, scans: 2, pair: {...}}",
                key=("pair",),
            )
        if self.pair is not None and self.allow_repeats:
            raise complaint(
                "'pair' and 'allow_repeats' do not go together: a scan has one value only",
                "To draw subjects too that cannot keep the rule: pair: {..., prefer: true}",
                key=("pair",),
            )
        return self

    @property
    def scans_each(self) -> int:
        """Blocks of scans within a view: 1 where scans are drawn at random."""
        return 1 if self.size is not None else self.scans or 2


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
    augmentations: list[Component] = Field(default_factory=list)
    objective: Annotated[list[TermSettings], Field(min_length=1)] = Field(default_factory=lambda: [_INFONCE])
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
        config["train"] = self.train.decisive()
        if config["batch"]["pair"] is None:  # as the memory below
            del config["batch"]["pair"]
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
        """The same training made tiny: one epoch of two steps, with at most 4 subjects or scans a batch.

        It downloads no weights: those that ``pretrained: true`` asks for are left at random.
        """
        asked = {name: min(4, value) for name in ("size", "subjects") if (value := getattr(self.batch, name))}
        batch = self.batch.model_copy(update=asked)
        train = self.train.model_copy(update={"epochs": 1, "steps": None, "steps_per_epoch": 2, "validate_every": 1})
        encoder = self.encoder
        if encoder.parameters.get("pretrained") is True:
            encoder = Spec(encoder.use, {**encoder.parameters, "pretrained": False})
        return self.model_copy(update={"encoder": encoder, "batch": batch, "train": train})


def keys_at(path: tuple[str | int, ...]) -> list[str]:
    """The keys of the mapping at this path of a configuration; list positions do not count."""
    places: dict[tuple[str, ...], type[BaseModel]] = {
        ("projector",): ProjectorSettings,
        ("objective",): TermSettings,
        ("objective", "memory"): MemorySettings,
        ("batch",): BatchSettings,
        ("batch", "pair"): PairSettings,
        ("train",): TrainSettings,
        ("train", "schedule"): ScheduleSettings,
        ("train", "freeze"): FreezeSettings,
    }
    names = tuple(part for part in path if isinstance(part, str))
    return list(places.get(names, TrainingSettings).model_fields)
