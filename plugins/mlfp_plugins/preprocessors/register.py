"""Every scan in the space of one template."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mlfp.errors import ParameterError
from mlfp.preparing.registration import place, register, require_ants
from mlfp.preparing.template import MNI152, template
from mlfp.types.volume import Volume

require_ants()  # before any scan is read: without it, no chain with this step can be built


@dataclass(frozen=True)
class Register:
    """Register volumes to a template with ANTs, and resample them on its grid.

    The pose is searched for first, over the template's brain and its surroundings, so that whole heads find their
    place in a template that has no skull; then ANTs follows it with an affine. It takes some seconds a scan;
    ``mlfp prepare`` does the same once for all comparisons, and draws what came out.

    :param kind: ``affine`` (DeepBrainPrint's "co-linear registration"), or ``rigid``, which keeps sizes.
    :param template: ``mni152``, as nilearn ships it, or the path of another.
    :param voxel: size in mm, along each axis of the grid.
    :param seed: of the voxels that ANTs samples.
    """

    kind: Literal["affine", "rigid"] = "affine"
    template: str = MNI152
    voxel: float = 2.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.voxel > 0:
            raise ParameterError(f"a voxel's size is in mm and above 0, got {self.voxel}", key=("voxel",))

    def __call__(self, volume: Volume) -> Volume:
        """Register one scan by its first channel; the others go with it."""
        target = template(self.template)
        found = register(volume, target, kind=self.kind, seed=self.seed)
        return place(volume, found.matrix, target.grid(self.voxel))
