"""Pearson correlation of pixels."""

from __future__ import annotations

from torch import Tensor

from mlfp_plugins.scorers.shrink import shrink


class Correlation:
    """Pearson's correlation over all pixels and channels: 1 where one image is the other, brighter or of more contrast.

    An image without contrast correlates with nothing: 0.

    :param size: voxels along the longest axis; larger images are averaged down. None compares them as they are.
    """

    symmetric = True

    def __init__(self, size: int | None = None) -> None:
        self.size = size

    def describe(self, images: Tensor) -> Tensor:
        """``(B, C, *spatial)`` to ``(B, P)``: pixels less their mean, at unit length."""
        pixels = shrink(images, self.size).flatten(1).double()
        centred = pixels - pixels.mean(dim=1, keepdim=True)
        length = centred.norm(dim=1, keepdim=True)
        # What rounding leaves of a constant image is no contrast.
        flat = length <= 1e-9 * pixels.norm(dim=1, keepdim=True)
        described: Tensor = (centred / length.masked_fill(flat, 1)).masked_fill(flat, 0).float()
        return described

    def score(self, queries: Tensor, gallery: Tensor) -> Tensor:
        """(Q, P) and (G, P) to (Q, G) correlations in [-1, 1]."""
        return (queries @ gallery.T).clamp_(-1, 1)
