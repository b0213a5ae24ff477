"""What decides a training's numbers: settings, scans and seed, checked before anything is spent on them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlfp.errors import UsageError
from mlfp.fingerprints.card import ModelCard
from mlfp.fingerprints.model import describe
from mlfp.plugins import registry
from mlfp.training.settings import EMBEDDING_DIM, TrainingSettings
from mlfp.training.validation import can_validate

if TYPE_CHECKING:
    from mlfp.data.scans import ScanSet

_MORE = "Give that side more subjects (split: val and test are shares). Scans that could not be read are left out."
_NO_VALIDATION = "Or train to the end without validation: train: {patience: null}."

#: What ``patience: auto`` is where there are scans to validate on.
AUTOMATIC_PATIENCE = 10


@dataclass(frozen=True)
class Material:
    """All that a training is made from.

    :param train: the scans to train on.
    :param val: the scans to choose the best weights on.
    :param preprocess: the chain that prepared them, for the model's card.
    :param seed: of everything random.
    """

    settings: TrainingSettings
    train: ScanSet
    val: ScanSet
    preprocess: list[dict[str, Any]]
    seed: int

    def check(self) -> None:
        """Complain of what cannot work, before anything is spent on it.

        :raises ParameterError: a component is unknown, wrong, or of other dimensions than the scans.
        :raises UsageError: there is nothing to train on, or nothing to validate on though early stopping needs it.
        """
        if len(self.train) == 0:
            raise UsageError("there is no scan to train on", hints=[_MORE])
        self.settings.check(registry(), in_channels=self.train.shape[0], spatial_dims=self.train.spatial_dims)
        if self.patience is None or can_validate(self.val.table):
            return
        if len(self.val) == 0:
            raise UsageError("there is no scan to validate on", hints=[_MORE, _NO_VALIDATION])
        raise UsageError(
            f"none of the {len(self.val)} validation scans shares its subject with another, so none can be found",
            hints=[_MORE, _NO_VALIDATION],
        )

    @property
    def patience(self) -> int | None:
        """Validations without a better one after which to stop; None never stops early."""
        asked = self.settings.train.patience
        if asked == "auto":
            return AUTOMATIC_PATIENCE if len(self.val) else None
        return asked

    def card(self) -> ModelCard:
        """The card of the model to be trained."""
        return card_of(self.settings, self.train, self.preprocess, training=self.digest())

    def digest(self) -> str:
        """A hash of it all: a checkpoint goes on only as what it was."""
        told = {
            "settings": self.settings.decisive(),
            "train": [self.train.digest, [str(scan) for scan in self.train.table.scans]],
            "val": [self.val.digest, [str(scan) for scan in self.val.table.scans]],
            "preprocess": self.preprocess,
            "seed": self.seed,
        }
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def card_of(settings: TrainingSettings, scans: ScanSet, preprocess: list[dict[str, Any]], **others: Any) -> ModelCard:
    """The card of a model of these settings for these scans."""
    return describe(
        settings.encoder,
        shape=tuple(scans.shape),
        embedding_dim=EMBEDDING_DIM,
        spacing=tuple(scans.spacing),
        projector=None if settings.projector is None else settings.projector.model_dump(),
        evaluate_on=settings.evaluate_on,
        distance=settings.distance,
        preprocess=preprocess,
        **others,
    )
