"""The model that makes fingerprints: an encoder, its projector, and the card that says how to use them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from mlfp.errors import MlfpError, ParameterError, UsageError
from mlfp.execution.files import write_atomically
from mlfp.fingerprints.card import ModelCard, versions_of
from mlfp.fingerprints.projector import Projector
from mlfp.plugins import registry
from mlfp.seeds import seeded_globals
from mlfp.types.spec import Spec

#: Where the card lies in the header of a file of weights.
_CARD = "mlfp"


class FingerprintModel(nn.Module):
    """An encoder and, where losses look through one, a projector.

    :param encoder: ``(B, C, *spatial)`` to ``(B, D)``.
    :param projector: ``(B, D)`` to ``(B, P)``, or None.
    :param card: what it is.
    """

    def __init__(self, encoder: nn.Module, projector: nn.Module | None, card: ModelCard) -> None:
        super().__init__()
        self.encoder = encoder
        self.projector = projector
        self.card = card

    def forward(self, images: Tensor) -> Tensor:
        """``(B, C, *spatial)`` to what the losses see: ``(B, P)`` through the projector, else ``(B, D)``."""
        encoded: Tensor = self.encoder(images)
        return encoded if self.projector is None else self.projector(encoded)

    def embed(self, images: Tensor) -> Tensor:
        """``(B, C, *spatial)`` to fingerprints, not normalised: the output that ``evaluate_on`` names."""
        if self.card.evaluate_on == "projector":
            return self(images)  # type: ignore[no-any-return]
        encoded: Tensor = self.encoder(images)
        return encoded

    @property
    def training_dim(self) -> int:
        """Length of what the losses see."""
        return self.card.embedding_dim if self.card.projector is None else int(self.card.projector["dims"][-1])

    @property
    def digest(self) -> str:
        """A hash of the weights and of what else decides the fingerprints: equal models make equal fingerprints."""
        told = hashlib.sha256(json.dumps(self.card.decisive(), sort_keys=True).encode())
        for name, tensor in sorted(self._deployed().items()):
            told.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
            told.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
        return told.hexdigest()

    def save(self, path: Path) -> None:
        """Write weights and card as one safetensors file; whoever reads it never sees half of it.

        A projector that fingerprints do not come from is left out.
        """
        write_atomically(Path(path), save(self._deployed(), metadata={_CARD: self.card.deployed().to_json()}))

    def _deployed(self) -> dict[str, Tensor]:
        kept = self.card.evaluate_on == "projector"
        # Cloned, because safetensors refuses tensors that share memory, which tied weights do.
        return {
            name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
            for name, tensor in self.state_dict().items()
            if kept or not name.startswith("projector.")
        }

    @classmethod
    def load(cls, path: Path) -> FingerprintModel:
        """Read what :meth:`save` wrote; in evaluation mode, on the CPU.

        A published model may have its calibration in a file of its own, ``NAME.calibration.json`` beside the weights.

        :raises UsageError: there is no such file, or it is no model of mlfp's, or its encoder has changed since.
        """
        card, weights = _read(Path(path))
        beside = Path(path).with_suffix(".calibration.json")
        if card.calibration is None and beside.is_file():
            card = replace(card, calibration=json.loads(beside.read_text(encoding="utf-8")))
        # What the weights are before they are loaded does not matter, but drawing them must not touch the global state.
        model = untrained(card, card.seed)
        model.card = card
        try:
            model.load_state_dict(weights)
        except RuntimeError as error:
            raise UsageError(
                f"the weights of {path} do not fit encoder {card.encoder['use']}",
                hints=[
                    str(error).splitlines()[-1].strip(),
                    f"They were made with {_said(card.versions)}; installed: {_said(_installed(card))}.",
                ],
            ) from error
        return model.eval()


def untrained(card: ModelCard, seed: int) -> FingerprintModel:
    """The model of a card before any training, its weights drawn from the seed.

    :raises ParameterError: the encoder cannot be made, or does not work with images of this shape.
    """
    card = replace(card, seed=seed)
    with seeded_globals(seed, "initial weights"):
        encoder = _encoder(Spec.parse(card.encoder), card.in_channels, card.spatial_dims, card.embedding_dim)
        width = _output_width(encoder, card)
        projector = None if card.projector is None else Projector(width, **card.projector)
    return FingerprintModel(encoder, projector, replace(card, embedding_dim=width))


def describe(
    encoder: Spec, *, shape: tuple[int, ...], embedding_dim: int, spacing: tuple[float, ...] = (), **others: Any
) -> ModelCard:
    """The card of an encoder for images of this shape.

    :param shape: ``(C, *spatial)``.
    :param embedding_dim: the length asked of the encoder where its own parameters say nothing.
    :param others: further fields of the card.
    """
    component = registry().find("encoder", encoder.use)
    return ModelCard(
        encoder={"use": component.id, **encoder.parameters},
        encoder_version=component.version,
        in_channels=shape[0],
        input_shape=tuple(shape[1:]),
        embedding_dim=embedding_dim,
        spacing=spacing,
        versions=versions_of(component),
        **others,
    )


def _encoder(spec: Spec, in_channels: int, spatial_dims: int, embedding_dim: int) -> nn.Module:
    try:
        encoder: nn.Module = registry().build(
            "encoder", spec, in_channels=in_channels, spatial_dims=spatial_dims, embedding_dim=embedding_dim
        )
    except ParameterError as error:
        raise error.under("encoder") from error
    return encoder


def _output_width(encoder: nn.Module, card: ModelCard) -> int:
    """The length of what the encoder gives, found by asking it once."""
    images = torch.zeros(2, card.in_channels, *card.input_shape)
    mode = encoder.training
    try:
        with torch.inference_mode():
            encoded = encoder.eval()(images)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        raise ParameterError(
            f"encoder {card.encoder['use']} fails on images of shape {tuple(images.shape[1:])}: {error}",
            key=("encoder",),
            hints=["Images are (channels, *voxels). Change the encoder, or preprocess to another shape."],
        ) from error
    finally:
        encoder.train(mode)
    if not isinstance(encoded, Tensor) or encoded.ndim != 2:
        given = f"shape {tuple(encoded.shape)}" if isinstance(encoded, Tensor) else type(encoded).__name__
        raise ParameterError(
            f"encoder {card.encoder['use']} should give (B, D) vectors, gave {given}", key=("encoder",)
        )
    return int(encoded.shape[1])


def _read(path: Path) -> tuple[ModelCard, Mapping[str, Tensor]]:
    if not path.is_file():
        raise UsageError(f"there is no model at {path}", hints=["Train one: mlfp train CONFIG"])
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get(_CARD)
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
    except (SafetensorError, OSError) as error:
        raise UsageError(f"{path} cannot be read as a model: {error}", hints=["Is the file complete?"]) from error
    if text is None:
        raise MlfpError(
            f"{path} has weights but no card of mlfp's",
            hints=["Models are written by mlfp train, mlfp bench, and FingerprintModel.save."],
        )
    return ModelCard.from_json(text, where=str(path)), weights


def _said(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _installed(card: ModelCard) -> dict[str, str]:
    return versions_of(registry().find("encoder", card.encoder["use"]))
