"""DeepBrainPrint's transforms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from mlfp_plugins.augmentations.affine import Affine
from mlfp_plugins.augmentations.elastic import Elastic
from mlfp_plugins.augmentations.intensity_shift import IntensityShift
from mlfp_plugins.augmentations.legendre_bias_field import LegendreBiasField
from mlfp_plugins.augmentations.negative import Negative
from mlfp_plugins.augmentations.patches import Patches


@dataclass(frozen=True)
class DeepBrainPrint:
    """The six transforms of DeepBrainPrint (Puglisi et al. 2023), Table 1, each with its probability.

    ``negative`` (0.4), rotation by up to 3 degrees (1), ``intensity-shift`` of up to 0.25 standard deviations (0.4),
    ``legendre-bias-field`` (0.3), ``patches`` (0.4), ``elastic`` (0.3). The paper prints no order; this one is its
    released code's. That is for slices; volumes have the same in 3D, with rotation about each axis. A chain of the six,
    with numbers of one's own, does as well.

    Print and released code differ in two, and MONAI adds a third:

    ============== =================================== ==================================================
    transform      printed                             released
    ============== =================================== ==================================================
    patches        one to three, black                 always three, of noise (what MONAI fills unless told)
    rotation       what comes into view is background  it is 0, the data set's mean after normalisation
    elastic        of magnitude 1 to 2                 and a ripple of MONAI's that all images share
    ============== =================================== ==================================================

    :param release: ``printed`` or ``released``.
    :param unit: of patches (10), elastic magnitude (1 to 2) and control points (30): ``voxel``, as there, with scans of
        1 mm; ``mm`` keeps their size on coarser ones.
    :param spacing: voxel size in mm along each axis; 1 mm where nothing is known (a picture's pixel).
    """

    release: Literal["printed", "released"] = "printed"
    unit: Literal["voxel", "mm"] = "voxel"
    spacing: tuple[float, ...] | None = None

    @property
    def steps(self) -> list[Any]:
        """The six, in order."""
        printed = self.release == "printed"
        fill: float | Literal["background"] = "background" if printed else 0.0
        sizes: dict[str, Any] = {"unit": self.unit, "spacing": self.spacing}
        return [
            Negative(probability=0.4),
            Affine(rotate=3.0, shift=0.0, scale=0.0, fill=fill, spacing=self.spacing),
            IntensityShift(largest=0.25, unit="deviation", probability=0.4),
            LegendreBiasField(probability=0.3),
            Patches(probability=0.4, **sizes)
            if printed
            else Patches(probability=0.4, fewest=3, most=3, fill="noise", **sizes),
            Elastic(magnitude=(1.0, 2.0), apart=30.0, probability=0.3, ripple=not printed, **sizes),
        ]
