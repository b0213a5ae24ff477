"""Pearson correlation of gradient magnitudes."""

from __future__ import annotations

from torch import Tensor

from mlfp_plugins.encoders.compact import gradient_magnitude
from mlfp_plugins.scorers.correlation import Correlation
from mlfp_plugins.scorers.shrink import shrink


class GradientCorrelation(Correlation):
    """Pearson's correlation of how strong edges are, at all pixels and channels: inverting an image changes nothing.

    :param size: voxels along the longest axis; larger images are averaged down. None compares them as they are.
    """

    def describe(self, images: Tensor) -> Tensor:
        """``(B, C, *spatial)`` to ``(B, P)``: gradient magnitudes less their mean, at unit length."""
        return Correlation().describe(gradient_magnitude(shrink(images, self.size)))
