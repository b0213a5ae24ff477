"""Few-Shot Fingerprinting's affine transforms."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from mlfp_plugins.augmentations.affine import Affine


@dataclass(frozen=True)
class FewShotFingerprinting:
    """The affine transforms of Few-Shot Fingerprinting's code (Gaspar Alves et al. 2025); the paper prints none.

    - ``mri``: with probability 0.5, MONAI's ``RandAffine``: turned about each axis by up to 0.1 radian, shifted by up
      to 5 voxels (of volumes resized to 78 x 120 x 120) and scaled by up to 0.1, each axis by its own factor. What
      comes into view is background; MONAI reflects the image there.
    - ``x-ray``: torchvision's ``RandomAffine``: turned by up to 5 degrees, shifted by up to 0.05 of the length, scaled
      by 0.95 to 1.05, and filled with 0, which after its normalisation is a grey. The paper (section 2.2) calls
      augmentation unnecessary for X-rays; the released code has it.

    The released code changes its MRI test scans as well: ``move`` of an evaluation does that here.

    :param images: ``mri`` or ``x-ray``.
    """

    images: Literal["mri", "x-ray"] = "mri"

    @property
    def steps(self) -> list[Affine]:
        """The one transform, in voxels, as there."""
        if self.images == "mri":
            return [
                Affine(
                    rotate=math.degrees(0.1), shift=5.0, scale=0.1, scale_axes="apart", unit="voxel", probability=0.5
                )
            ]
        return [Affine(rotate=5.0, shift=0.05, scale=0.05, unit="fraction", fill=0.0)]
