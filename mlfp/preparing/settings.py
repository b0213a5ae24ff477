"""What ``mlfp prepare`` does to every scan."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

from mlfp.errors import ParameterError, UsageError
from mlfp.preparing.intensities import Outliers
from mlfp.preparing.stripping import command_of
from mlfp.preparing.template import MNI152, template

#: Raised when the numbers that come out change.
VERSION = 1
Register = Literal["affine", "rigid", "none"]
Axis = Literal["none", "axial", "coronal", "sagittal"]
AXES = {"sagittal": 0, "coronal": 1, "axial": 2}


@dataclass(frozen=True)
class Settings:
    """The steps, in their order; the defaults are DeepBrainPrint's (Puglisi et al. 2023, section 2.1), for volumes.

    :param mask: brain masks that there are: a column of the scan table, or a path with ``{column}`` in it.
    :param strip: a program that finds the brain: its name, or a command with ``{input}`` and ``{output}``.
    :param register: to the template, by an affine or a rigid transform.
    :param template: ``mni152``, or the path of another.
    :param spacing: voxel size in mm of what is written.
    :param outliers: how they are removed; see :func:`~mlfp.preparing.intensities.without_outliers`.
    :param outlier_share: how many of them, of all voxels.
    :param within: where outliers and z-score look: in the ``mask`` (found by the intensities if none is given), or in
        ``all`` of the image.
    :param intensity: ``zscore``, or ``none``: intensities as they are.
    :param slice: the plane of slices; ``none`` keeps volumes.
    :param position: which one: the middle of the ``template`` (of the scan, where none is registered), or of the
        ``brain``.
    :param slices: how many, around it.
    :param step: voxels from one slice to the next.
    :param seed: of the voxels that registration samples.
    """

    mask: str | None = None
    strip: str | None = None
    register: Register = "affine"
    template: str = MNI152
    spacing: float = 1.0
    outliers: Outliers | Literal["none"] = "two-sided"
    outlier_share: float = 0.05
    within: Literal["mask", "all"] = "mask"
    intensity: Literal["zscore", "none"] = "zscore"
    slice: Axis = "none"
    position: Literal["template", "brain"] = "template"
    slices: int = 1
    step: int = 1
    seed: int = 0

    def check(self) -> None:
        """Complain of what cannot be done, before any scan is read.

        :raises UsageError: a value is out of its range, two do not go together, or a program or file is not there.
        """
        if not 0 < self.outlier_share < 1:
            raise ParameterError(f"the share of outliers is above 0 and below 1, got {self.outlier_share:g}")
        if not self.spacing > 0:
            raise ParameterError(f"a spacing is in mm and above 0, got {self.spacing:g}")
        if self.slices < 1 or self.step < 1:
            raise ParameterError(f"slices and their step are 1 or more, got {self.slices} and {self.step}")
        if self.mask and self.strip:
            raise UsageError("masks are either given or found", hints=["Leave --mask or --strip out."])
        if self.strip:
            command_of(self.strip)
        if self.register != "none":
            template(self.template)

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @property
    def key(self) -> str:
        """A hash of all that decides what comes out of a scan."""
        content = template(self.template).key if self.register != "none" else ""
        text = json.dumps([VERSION, content, self.to_json()], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()
