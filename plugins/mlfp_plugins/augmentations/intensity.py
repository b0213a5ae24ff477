"""Another contrast: how bright each tissue is, not where it lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor

from mlfp.errors import ParameterError
from mlfp.execution.compiled import kernels
from mlfp.training.draws import Draws, gate, uniform
from mlfp.training.maps import as_volumes
from mlfp.training.rows import each_row
from mlfp.training.tones import background, intensity_range
from mlfp_plugins.augmentations.head import TOLERANCE, head
from mlfp_plugins.augmentations.smooth import basis

#: Knots of the table that a voxel's intensity is looked up in.
_KNOTS = 129
#: Control points of the random curve: three spans.
_CONTROLS = 6


@dataclass(frozen=True)
class Intensity:
    """Send intensities through a random curve: bent, brightened, negated, stretched and moved, in this order.

    All steps are functions of the intensity alone, so they become one table and one look-up. Intensities are measured
    in the image's own range (0 its 0.5th percentile, 1 its 99.5th), whatever its normalisation.

    DeepBrainPrint's table 1 has the negative and the shift (up to 0.25) with probability 0.4 each, over the whole
    slice: ``within: image``. The random curve (control points of a spline moved at random) stands for sequences and
    scanners that nobody trained on; it need not be monotone.

    :param curve: largest move of the curve's control points.
    :param curve_probability: of bending.
    :param gamma: largest change of the exponent's logarithm: an exponent in [exp(-gamma), exp(gamma)].
    :param gamma_probability: of the exponent.
    :param negative_probability: of turning light into dark.
    :param gain: largest relative change of the contrast.
    :param gain_probability: of that.
    :param shift: largest shift.
    :param shift_probability: of that.
    :param within: ``head`` leaves the air around the head as it is, as an MRI of another contrast does; ``image``
        changes everything, as X-rays want.
    """

    curve: float = 0.3
    curve_probability: float = 0.5
    gamma: float = 0.4
    gamma_probability: float = 0.5
    negative_probability: float = 0.2
    gain: float = 0.2
    gain_probability: float = 0.5
    shift: float = 0.1
    shift_probability: float = 0.4
    within: Literal["head", "image"] = "head"

    def __post_init__(self) -> None:
        for name in ("curve", "gamma", "gain", "shift"):
            if getattr(self, name) < 0:
                raise ParameterError(f"{name} should not be negative, got {getattr(self, name)}", key=(name,))

    def draw(self, generators: Sequence[Generator], batch: Tensor) -> Draws:
        """``table`` (B, 129): the new intensity of equally spaced old ones from 0 to 1."""
        gates = {
            name: gate(generators, getattr(self, f"{name}_probability"))
            for name in ("curve", "gamma", "negative", "gain", "shift")
        }
        bend = self.curve * uniform(generators, _CONTROLS)
        sizes = uniform(generators, 3) * torch.tensor([self.gamma, self.gain, self.shift])
        exponent, gain, shift = (
            torch.where(gates[name], size, 0.0)[:, None]
            for name, size in zip(("gamma", "gain", "shift"), sizes.T, strict=True)
        )
        table = (
            torch.linspace(0, 1, _KNOTS) + torch.where(gates["curve"][:, None], bend, 0.0) @ basis(_KNOTS, _CONTROLS).T
        )
        table = table.clamp(0, 1) ** exponent.exp()
        table = torch.where(gates["negative"][:, None], 1 - table, table)
        active = torch.stack(list(gates.values())).any(dim=0)
        return Draws(active, {"table": table * (1 + gain) + shift})

    def apply(self, batch: Tensor, parameters: Draws) -> Tensor:
        """Look up every voxel; above the range the table goes on straight, below it stops."""
        compiled = kernels("mlfp_plugins.augmentations.recolour_compiled") if batch.device.type == "cpu" else None
        if compiled is None:
            return recolour(batch, parameters["table"], everywhere=self.within == "image")
        low, high = intensity_range(batch)
        air = background(batch)
        result = torch.empty_like(batch, memory_format=torch.contiguous_format)
        source, target = as_volumes(batch), as_volumes(result)
        table, *ends = (item.contiguous().numpy() for item in (parameters["table"], low, high, air))

        def one(row: int) -> None:
            tones = (end[row] for end in ends)
            compiled.recolour(source[row], target[row], table[row], *tones, TOLERANCE, self.within == "image")

        each_row(one, len(batch))
        return result


def recolour(batch: Tensor, table: Tensor, *, everywhere: bool) -> Tensor:
    """``(B, C, *spatial)`` images looked up in (B, T) tables, as the compiled kernel does."""
    low, high = (end.view(*end.shape, *[1] * (batch.ndim - 2)) for end in intensity_range(batch))
    place = ((batch - low) / (high - low) * (table.shape[1] - 1)).clamp_(min=0).flatten(1)
    knot = place.long().clamp_(max=table.shape[1] - 2)
    new = torch.lerp(table.gather(1, knot), table.gather(1, knot + 1), place - knot)
    new = new.view_as(batch) * (high - low) + low
    return new if everywhere else torch.where(head(batch), new, batch)
