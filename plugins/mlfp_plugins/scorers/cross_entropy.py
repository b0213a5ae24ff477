"""Cross entropy between images."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from mlfp.errors import ParameterError
from mlfp_plugins.scorers.shrink import shrink


class CrossEntropy:
    r"""Cross entropy between images taken for probability distributions, less the query's own entropy, negative.

    Several quantities go by this name. Here an image less its lowest value, divided by its sum, is a distribution p
    over places; of two, :math:`H(p, q) = -\sum p \log q`, and the score is :math:`H(p, p) - H(p, q)`, the negative of
    Kullback and Leibler's divergence, which the principle of minimum cross entropy minimises (Kullback 1959; Shore &
    Johnson 1980). For one query it ranks as the cross entropy itself does; less the query's own entropy, scores of
    different queries compare. Brightness, and contrast as a factor, change nothing. It is among the similarities that
    link brain MRI across data sets (Sharma et al. 2026).

    :param of: ``pixels``: distributions over places, as above; ``histogram``: over ``bins`` of intensity between the
        image's lowest and highest, wherever they lie.
    :param bins: for ``histogram``.
    :param floor: share of an even distribution mixed into each, as the logarithm of nothing is infinite.
    :param size: voxels along the longest axis; larger images are averaged down. None compares them as they are.
    """

    def __init__(
        self,
        of: Literal["pixels", "histogram"] = "pixels",
        bins: int = 64,
        floor: float = 0.01,
        size: int | None = None,
    ) -> None:
        self.of = of
        self.bins = bins
        self.floor = floor
        self.size = size

    def describe(self, images: Tensor) -> Tensor:
        """``(B, C, *spatial)`` to (B, P) probabilities, all channels together.

        :raises ParameterError: ``floor`` is not above 0 and at most 1, or ``bins`` is below 2.
        """
        if not 0 < self.floor <= 1:
            raise ParameterError(f"floor should be above 0 and at most 1, got {self.floor}", key=("floor",))
        if self.bins < 2:
            raise ParameterError(f"bins should be 2 or more, got {self.bins}", key=("bins",))
        pixels = shrink(images, self.size).flatten(1).double()
        height = pixels - pixels.amin(dim=1, keepdim=True)
        if self.of == "histogram":
            height = self._histogram(height)
        total = height.sum(dim=1, keepdim=True)
        # Of an image without contrast nothing is left but the even distribution.
        shares = height / total.masked_fill(total == 0, 1) + (total == 0) / height.shape[1]
        return (shares * (1 - self.floor) + self.floor / height.shape[1]).float()

    def score(self, queries: Tensor, gallery: Tensor) -> Tensor:
        """(Q, P) and (G, P) to (Q, G), 0 or less."""
        query, other = queries.double(), gallery.double()
        own = torch.special.entr(query).sum(dim=1)
        scores: Tensor = (own[:, None] + query @ other.log().T).float()
        return scores

    def _histogram(self, height: Tensor) -> Tensor:
        """(B, P) from 0 up to (B, bins) counts."""
        top = height.amax(dim=1, keepdim=True)
        places = (height / top.masked_fill(top == 0, 1) * self.bins).long().clamp_(max=self.bins - 1)
        return torch.zeros(len(height), self.bins, dtype=height.dtype).scatter_add_(1, places, torch.ones_like(height))
