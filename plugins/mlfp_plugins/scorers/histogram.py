"""The intensities alone, wherever they lie: the opponent that shows what scanner and contrast tell."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from mlfp.data.masks import foreground
from mlfp.errors import ParameterError


class Histogram:
    """How alike the intensities are inside head or body, wherever they lie: earth mover's distance of histograms.

    Nothing of anatomy is left but how much there is of each tissue. Whoever is found by it, is found by scanner,
    contrast or processing, and a model might find them so too. Of two images, it is the mean distance of their
    quantiles (Wasserstein's distance of order 1, in units of intensity), negative; no bins have to be chosen.

    :param quantiles: numbers that describe an image, channel by channel.
    :param inside: whether air is left out (see :func:`mlfp.data.masks.foreground`); with it, the histogram also tells
        how large the head is.
    """

    symmetric = True

    def __init__(self, quantiles: int = 256, inside: bool = True) -> None:
        self.quantiles = quantiles
        self.inside = inside

    def describe(self, images: Tensor) -> Tensor:
        """``(B, C, *spatial)`` to (B, C * quantiles).

        :raises ParameterError: ``quantiles`` is below 1.
        """
        if self.quantiles < 1:
            raise ParameterError(f"quantiles should be 1 or more, got {self.quantiles}", key=("quantiles",))
        found = [[self._quantiles(channel) for channel in image] for image in images.numpy()]
        return torch.from_numpy(np.stack(found).astype(np.float32)).flatten(1)

    def score(self, queries: Tensor, gallery: Tensor) -> Tensor:
        """(Q, ...) and (G, ...) to (Q, G), 0 or less."""
        return -torch.cdist(queries, gallery, p=1) / queries.shape[1]

    def _quantiles(self, channel: np.ndarray) -> np.ndarray:
        mask = foreground(channel[None]) if self.inside else np.ones(channel.shape, dtype=bool)
        values = channel[mask] if mask.any() else channel.ravel()
        # In the middle of each of so many equal shares.
        found: np.ndarray = np.quantile(values, (np.arange(self.quantiles) + 0.5) / self.quantiles)
        return found
