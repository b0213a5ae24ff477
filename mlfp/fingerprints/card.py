"""What a model says of itself: all that is needed to build it again and to use it as it was trained."""

from __future__ import annotations

import importlib.metadata
import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from mlfp.errors import UsageError
from mlfp.libraries import pretrained
from mlfp.registry import Component

#: Raised when a card of an older mlfp can no longer be read.
FORMAT = 1


@dataclass(frozen=True)
class ModelCard:
    """A model's description, kept in the file of its weights.

    :param encoder: the encoder's whole id and parameters, as ``{use: ..., ...}``.
    :param encoder_version: the version its plugin registered it with.
    :param in_channels: C.
    :param input_shape: spatial shape in voxels.
    :param embedding_dim: length of the encoder's output.
    :param projector: parameters of :class:`~mlfp.fingerprints.projector.Projector`; None when it has none.
    :param evaluate_on: whose output the fingerprint is, ``encoder`` or ``projector``.
    :param distance: how fingerprints are compared: ``cosine``, ``l2`` or ``inner``.
    :param preprocess: the chain that scans go through first.
    :param spacing: voxel size after it in mm; empty when unknown.
    :param seed: its initial weights are drawn from this.
    :param training: hash of what it was trained with and on; empty when it is untrained.
    :param versions: of mlfp, torch and the encoder's distribution.
    :param calibration: from its scores to probabilities: :class:`mlfp.leaks.calibration.Calibration`; None without one.
    """

    encoder: dict[str, Any]
    in_channels: int
    input_shape: tuple[int, ...]
    embedding_dim: int
    projector: dict[str, Any] | None = None
    evaluate_on: str = "encoder"
    distance: str = "cosine"
    preprocess: list[dict[str, Any]] = field(default_factory=list)
    spacing: tuple[float, ...] = ()
    seed: int = 0
    training: str = ""
    encoder_version: int = 1
    versions: dict[str, str] = field(default_factory=dict)
    calibration: dict[str, Any] | None = None

    @property
    def spatial_dims(self) -> int:
        """2 for pictures, 3 for volumes."""
        return len(self.input_shape)

    def to_json(self) -> str:
        """As text for the header of the file of weights."""
        return json.dumps({"format": FORMAT, **asdict(self)}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str, *, where: str = "") -> ModelCard:
        """Read what :meth:`to_json` wrote.

        :raises UsageError: it is of a newer mlfp, or no card at all.
        """
        try:
            values = json.loads(text)
            found = values.pop("format")
            if found != FORMAT:
                raise UsageError(
                    f"the model's card has format {found}, this mlfp reads format {FORMAT}",
                    where=where,
                    hints=["Install the mlfp it was made with: pip install -U mlfp"],
                )
            for name in ("input_shape", "spacing"):
                values[name] = tuple(values[name])
            return cls(**values)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UsageError(f"the model's card cannot be read: {error}", where=where) from error

    def deployed(self) -> ModelCard:
        """The card of the model in use, which has weights of its own.

        A projector that fingerprints do not come from is no part of it, nor are the weights that training began with:
        reading the model must neither need their file nor download them.
        """
        kept = self.projector if self.evaluate_on == "projector" else None
        return replace(self, projector=kept, encoder=pretrained.without(self.encoder))

    def decisive(self) -> dict[str, Any]:
        """What of it decides the fingerprints, besides the weights."""
        names = ("encoder", "encoder_version", "projector", "evaluate_on", "distance", "preprocess", "input_shape")
        values = asdict(self.deployed())
        return {name: values[name] for name in names}


def versions_of(component: Component) -> dict[str, str]:
    """Versions of what a model's numbers depend on: torch, mlfp, and whose encoder it is."""
    installed = {name: importlib.metadata.version(name) for name in ("torch", "mlfp")}
    return {**installed, component.distribution: component.distribution_version}
