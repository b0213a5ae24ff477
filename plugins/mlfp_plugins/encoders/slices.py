"""slices: a 2D encoder on several slices of a head, pooled into one fingerprint."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from mlfp.errors import ParameterError
from mlfp.plugins import registry
from mlfp.types.spec import Spec

#: Where the slices of a volume (B, C, I, J, K) stand.
_AXES = {"sagittal": 2, "coronal": 3, "axial": 4}


class Slices(nn.Module):
    """Every slice through one encoder, then the mean or the largest of each element over the slices.

    What DeepBrainPrint (Puglisi et al. 2023, section 5) leaves to future work. All slices share the weights, which may
    be those for ImageNet, and the pooled vector does not tell their order. Batch normalisation sees a batch of all
    slices.

    The other way, called 2.5D, needs no such component: ``{use: slice, count: 3}`` before any 2D encoder makes
    neighbouring slices the channels of one picture, and the first convolution sees them together.

    :param encoder: ``(B, c, *plane)`` to ``(B, D)``.
    :param channels: c, of one slice.
    :param place: the axis of the slices in a volume; None for pictures, whose channels are the slices.
    :param pool: ``mean`` or ``max``.
    """

    def __init__(self, encoder: nn.Module, *, channels: int, place: int | None, pool: Literal["mean", "max"]) -> None:
        super().__init__()
        self.encoder = encoder
        self.channels = channels
        self.place = place
        self.pool = pool

    def forward(self, images: Tensor) -> Tensor:
        """``(B, S c, I, J)``, the channels of one slice together, or ``(B, c, I, J, K)``, to ``(B, D)``."""
        if self.place is None:
            rows, _, *plane = images.shape
            cut = images.reshape(rows, -1, self.channels, *plane)
        else:
            cut = images.movedim(self.place, 1)
        encoded: Tensor = self.encoder(cut.flatten(0, 1))
        of_scans = encoded.reshape(*cut.shape[:2], -1)
        return of_scans.mean(1) if self.pool == "mean" else of_scans.amax(1)


def slices(
    *,
    in_channels: int,
    spatial_dims: int,
    embedding_dim: int,
    encoder: Spec,
    pool: Literal["mean", "max"] = "mean",
    channels: int = 1,
    axis: Literal["axial", "coronal", "sagittal"] = "axial",
) -> nn.Module:
    """Make :class:`Slices` of a 2D encoder: several slices of a head, pooled into one fingerprint.

    Slices are cut by the preprocessor, ``{use: slice, count: 5, step: 8}``, which makes them channels; or the scans
    stay volumes, and every slice along ``axis`` is one, those without any head too: crop before. The slices as channels
    of one picture for any 2D encoder (2.5D) need no such component.

    :param in_channels: of the picture, slices times channels of each; or of the volume.
    :param spatial_dims: 2 or 3.
    :param embedding_dim: D, of the encoder of a slice and of the pooled vector.
    :param encoder: of one slice, in 2D: ``{use: resnet18-2d, head: false}``. Its layers are named below ``encoder``.
    :param pool: mean, or the largest of each element.
    :param channels: of one slice, in 2D; 1 where scans have one channel. A volume's slices have the volume's channels.
    :param axis: along which a volume's slices lie.
    :raises ParameterError: the channels are no whole number of slices, or the encoder cannot be made.
    """
    if spatial_dims == 2 and in_channels % channels:
        raise ParameterError(
            f"{in_channels} channels are no whole number of slices with {channels} each",
            key=("channels",),
            hints=["{use: slice, count: N} gives N slices times the channels of a scan."],
        )
    of_one = channels if spatial_dims == 2 else in_channels
    try:
        made: nn.Module = registry().build(
            "encoder", encoder, in_channels=of_one, spatial_dims=2, embedding_dim=embedding_dim
        )
    except ParameterError as error:
        raise error.under("encoder") from error
    return Slices(made, channels=of_one, place=None if spatial_dims == 2 else _AXES[axis], pool=pool)
