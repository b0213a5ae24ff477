"""A trained model among the methods that are compared without training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional

from mlfp.errors import ParameterError
from mlfp.fingerprints.locate import model_file
from mlfp.fingerprints.model import FingerprintModel, untrained

if TYPE_CHECKING:
    from mlfp.fingerprints.card import ModelCard

#: Images that go through a model at once.
_AT_ONCE = 8


class Model:
    """The fingerprints of a model that somebody trained: ``{use: model, model: brain-v1}``.

    It is given the comparison's images, so ``preprocess`` of the comparison should be that of the model: the error that
    says otherwise prints it.

    :param model: a model's file, a folder that ``mlfp train`` wrote, or the name of a published one.
    :param untrained: its encoder with weights drawn anew: what the training has added.
    :param encoder: parameters of its encoder in place of its own, such as ``{places: 0}``, with the weights as they
        are: what a stage adds that has none.
    """

    symmetric = True

    def __init__(self, model: str | Path, untrained: bool = False, encoder: Mapping[str, Any] | None = None) -> None:
        self.model = model
        self.untrained = untrained
        self.encoder = encoder
        self._loaded: FingerprintModel | None = None

    def describe(self, images: Tensor) -> Tensor:
        """``(B, C, *spatial)`` to ``(B, D)``: fingerprints, at unit length where the model compares by the cosine.

        :raises ParameterError: the images are of another shape than the model's.
        """
        model = self._loaded = self._loaded or self._load()
        card = model.card
        if tuple(images.shape[1:]) != (card.in_channels, *card.input_shape):
            raise _other_shape(card, tuple(images.shape[1:]))
        with torch.inference_mode():
            found = torch.cat([model.embed(few) for few in torch.split(images, _AT_ONCE)])
        return functional.normalize(found, dim=1) if card.distance == "cosine" else found

    def _load(self) -> FingerprintModel:
        trained = FingerprintModel.load(model_file(self.model))
        if not self.untrained and not self.encoder:
            return trained
        card = replace(trained.card, encoder={**trained.card.encoder, **(self.encoder or {})})
        made = untrained(card, card.seed).eval()
        if not self.untrained:
            _fill(made, trained)
        return made

    def score(self, queries: Tensor, gallery: Tensor) -> Tensor:
        """(Q, D) and (G, D) to (Q, G): the cosine, the inner product, or minus the distance, as the model compares."""
        assert self._loaded is not None, "what is scored was described"
        if self._loaded.card.distance == "l2":
            return -torch.cdist(queries, gallery)
        return queries @ gallery.T


def _fill(made: FingerprintModel, trained: FingerprintModel) -> None:
    """Give it the weights.

    :raises ParameterError: they do not fit an encoder with these parameters.
    """
    try:
        made.load_state_dict(trained.state_dict())
    except RuntimeError as error:
        raise ParameterError(
            f"the model's weights do not fit an encoder with other parameters: {str(error).splitlines()[-1].strip()}",
            key=("encoder",),
            hints=["Only parameters without weights can be changed; for others, train a model: mlfp train"],
        ) from error


def _other_shape(card: ModelCard, given: tuple[int, ...]) -> ParameterError:
    return ParameterError(
        f"the model takes images of shape {(card.in_channels, *card.input_shape)}, these are {given}",
        key=("model",),
        hints=[f"Give the comparison the model's chain: preprocess: {card.preprocess}"],
    )
