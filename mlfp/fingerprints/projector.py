"""Layers between an encoder and the losses."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

_NORMS = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}
_ACTIVATIONS = {"relu": nn.ReLU, "gelu": nn.GELU}


class Projector(nn.Sequential):
    """(B, in_features) to (B, dims[-1]): for each width a linear map, a normalisation and an activation.

    DeepBrainPrint (section 2.4) has one: 512 to 2048, batch normalisation, ReLU; it is dropped after training.

    :param in_features: length of the encoder's output.
    :param dims: width of each layer's output.
    :param norm: ``batch``, ``layer`` or None. A linear map before a normalisation has no bias: it would be taken away.
    :param activation: ``relu``, ``gelu`` or None.
    :param bare_last: leave the last map without normalisation and activation, with a bias.
    """

    def __init__(
        self,
        in_features: int,
        dims: Sequence[int],
        norm: str | None = "batch",
        activation: str | None = "relu",
        bare_last: bool = False,
    ) -> None:
        layers: list[nn.Module] = []
        for place, (width_in, width_out) in enumerate(zip([in_features, *dims], dims, strict=False)):
            bare = bare_last and place == len(dims) - 1
            layers.append(nn.Linear(width_in, width_out, bias=bare or norm is None))
            if norm is not None and not bare:
                layers.append(_NORMS[norm](width_out))
            if activation is not None and not bare:
                layers.append(_ACTIVATIONS[activation]())
        super().__init__(*layers)
