"""A model's fingerprints, and candidates laid over each other: the two stages of a search."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from mlfp.data.small import reduced
from mlfp.errors import MlfpError
from mlfp.leaks.verify import compare
from mlfp.types.volume import Volume
from mlfp_plugins.scorers.model import Model


class Verified(Model):
    """What fingerprints find, verified: of each query's nearest, what aligning shows counts too.

    The score of pairs whose fingerprints are at least this similar is raised by ``weight`` times the gain of
    :class:`mlfp.leaks.verify.Verified`: how much sharper one scan lies over the other than over its mirror image. The
    rest keep the fingerprints' score. A second or two each.

    :param model: as of ``model``.
    :param above: similarity of fingerprints from which on a pair is verified.
    :param weight: what a gain counts for beside a similarity: gains are small numbers, about 0 for two people.
    :param spacing: mm along each axis; that of the comparison.
    """

    symmetric = False

    def __init__(
        self, model: str, above: float = 0.7, weight: float = 20.0, *, spacing: tuple[float, ...] | None = None
    ) -> None:
        super().__init__(model)
        self.above = above
        self.weight = weight
        self.spacing = spacing
        self._shape: tuple[int, ...] = ()

    def describe(self, images: Tensor) -> Tensor:
        """``(B, C, *spatial)`` to (B, D + P): fingerprints, and the pixels of the first channel."""
        self._shape = tuple(images.shape[2:])
        return torch.cat([super().describe(images), images[:, 0].flatten(1)], dim=1)

    def score(self, queries: Tensor, gallery: Tensor) -> Tensor:
        """(Q, D + P) and (G, D + P) to (Q, G)."""
        size = queries.shape[1] - int(np.prod(self._shape))
        found = super().score(queries[:, :size], gallery[:, :size])
        rows, columns = (places.tolist() for places in (found >= self.above).nonzero(as_tuple=True))
        asked, there = (
            {place: self._reduced(side[place, size:]) for place in set(places)}
            for side, places in ((queries, rows), (gallery, columns))
        )
        for row, column in zip(rows, columns, strict=True):
            found[row, column] += self.weight * _gain(asked[row], there[column])
        return found

    def _reduced(self, pixels: Tensor) -> Volume | None:
        """A scan as it is laid over others; None of one with nothing in it."""
        steps = [float(step) for step in self.spacing or (1.0,) * len(self._shape)]
        volume = Volume(pixels.reshape(1, *self._shape).numpy(), np.diag([*steps, 1.0]))
        try:
            return reduced(volume)
        except MlfpError:
            return None


def _gain(one: Volume | None, two: Volume | None) -> float:
    """Nothing is gained where there is nothing to lay over."""
    return 0.0 if one is None or two is None else compare(one, two).gain
