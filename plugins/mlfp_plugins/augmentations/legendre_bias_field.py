"""MONAI's bias field: a polynomial of low degree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Generator, Tensor

from mlfp.errors import ParameterError
from mlfp.training.draws import Draws, gate, uniform
from mlfp.training.tones import background
from mlfp_plugins.augmentations.smooth import combine


@dataclass(frozen=True)
class LegendreBiasField:
    """Multiply with ``exp(field)``, a sum of products of Legendre polynomials: as MONAI's ``RandBiasField``.

    The model is Van Leemput et al. 1999. DeepBrainPrint (Puglisi et al. 2023), Table 1, has MONAI's with probability
    0.3; degree and coefficients are that class's defaults. Its coefficients are never negative, the constant one
    included, so an image grows brighter on average, and most towards its last corner: ``bias-field`` is centred.

    :param degree: of the polynomials. As in MONAI, pictures have the products of degrees (i, j) with ``j <= i``, and
        volumes those of (i, j, k) with ``i + j + k`` no larger than this.
    :param coefficients: each is uniform between these two.
    :param about: what stays as it is: ``zero`` multiplies the values themselves, as MONAI does, and so changes air
        that is not zero; ``background`` multiplies what differs from the background.
    :param probability: of changing an image at all.
    """

    degree: int = 3
    coefficients: tuple[float, float] = (0.0, 0.1)
    about: Literal["zero", "background"] = "zero"
    probability: float = 0.3

    def __post_init__(self) -> None:
        if self.degree < 1:
            raise ParameterError(f"degree should be at least 1, got {self.degree}", key=("degree",))

    def draw(self, generators: Sequence[Generator], batch: Tensor) -> Draws:
        """``coefficients`` ``(B, 1, *degrees)`` of the logarithm, zero where there is no such product."""
        dims = batch.ndim - 2
        active = gate(generators, self.probability)
        low, high = self.coefficients
        drawn = uniform(generators, 1, *[self.degree + 1] * dims, low=low, high=high)
        return Draws(active, {"coefficients": drawn * _products(self.degree, dims)})

    def apply(self, batch: Tensor, parameters: Draws) -> Tensor:
        """Multiply all channels alike."""
        places = (np.linspace(-1, 1, size) for size in batch.shape[2:])
        weights = [
            torch.from_numpy(np.polynomial.legendre.legvander(place, self.degree)).float().to(batch.device)
            for place in places
        ]
        factor = combine(parameters["coefficients"], weights).exp_()
        if self.about == "zero":
            return batch * factor
        air = background(batch).view(*batch.shape[:2], *[1] * (batch.ndim - 2))
        return (batch - air) * factor + air


def _products(degree: int, dims: int) -> Tensor:
    """``(*degrees)`` 1 where the field has the product of these degrees, else 0."""
    degrees = torch.meshgrid(*[torch.arange(degree + 1)] * dims, indexing="ij")
    kept = degrees[1] <= degrees[0] if dims == 2 else sum(degrees) <= degree
    return torch.as_tensor(kept).float()
