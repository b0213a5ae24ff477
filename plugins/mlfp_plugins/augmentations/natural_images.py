"""What self-supervised learning does to photographs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from mlfp_plugins.augmentations.blur import Blur
from mlfp_plugins.augmentations.colour_jitter import ColourJitter
from mlfp_plugins.augmentations.flip import Flip
from mlfp_plugins.augmentations.random_resized_crop import RandomResizedCrop
from mlfp_plugins.augmentations.solarise import Solarise


@dataclass(frozen=True)
class NaturalImages:
    """The augmentations that SimCLR and Barlow Twins were published with: DeepBrainPrint's rows without "+DT".

    =========================== =============================== =============================================
    transform                   SimCLR, appendix A              Barlow Twins, section 2.2, "image augmentations"
    =========================== =============================== =============================================
    ``random-resized-crop``     0.08 to 1, 3/4 to 4/3           the same
    ``flip``                    probability 0.5                 the same
    ``colour-jitter``           0.8, probability 0.8            0.4, probability 0.8
    ``blur``                    probability 0.5                 1 in the first view, 0.1 in the second
    ``solarise``                none                            0.2 in the second view
    =========================== =============================== =============================================

    Barlow Twins' numbers are those of BYOL (Grill et al. 2020, appendix B). Saturation, hue and the change to grey say
    nothing of grey images and are left out. Blur is of 0.1 to 2 voxels, of pictures of 224 there. A second view exists
    with ``batch: {views: 2}`` only. In 3D every transform is that of its own description.

    :param recipe: ``barlow-twins`` or ``simclr``.
    :param flip_axis: which axis is mirrored; None is left and right, of pictures and volumes alike (see ``flip``).
    """

    recipe: Literal["barlow-twins", "simclr"] = "barlow-twins"
    flip_axis: int | None = None

    @property
    def steps(self) -> list[Any]:
        """The transforms, in order."""
        moves = [RandomResizedCrop(scale=(0.08, 1.0), ratio=(3 / 4, 4 / 3)), Flip(axis=self.flip_axis, probability=0.5)]
        if self.recipe == "simclr":
            return [*moves, ColourJitter(brightness=0.8, contrast=0.8, probability=0.8), Blur(probability=0.5)]
        return [
            *moves,
            ColourJitter(brightness=0.4, contrast=0.4, probability=0.8),
            Blur(probability=1.0, views="first"),
            Blur(probability=0.1, views="second"),
            Solarise(probability=0.2, views="second"),
        ]
