"""The template that scans are registered to: MNI152 as nilearn ships it, or a file of the user's."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from mlfp.data import readers
from mlfp.data.grids import regrid
from mlfp.data.masks import foreground
from mlfp.errors import MlfpError, ScanError, UsageError
from mlfp.types.volume import Volume

#: ICBM 152 nonlinear symmetric 2009a, the brain alone: Fonov 2011, NeuroImage 54. It is read where nilearn keeps it.
MNI152 = "mni152"
_MNI_FILE = "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"
#: What BIDS calls it.
MNI_SPACE = "MNI152NLin2009aSym"
#: Voxel size in mm at which scans are compared with it.
WORKING = 2.0
#: How far, in mm, its surroundings count: the edge of the brain, and the dark ring of fluid and bone around it.
SURROUNDINGS = 8.0


@dataclass(frozen=True, eq=False)
class Template:
    """A template.

    :param name: ``mni152``, or the name of its file.
    :param key: a hash of its content.
    :param volume: ``(1, I, J, K)``, in RAS.
    :param brain: (I, J, K) bool: where the brain (or head) is.
    """

    name: str
    key: str
    volume: Volume
    brain: np.ndarray

    @property
    def space(self) -> str:
        """A label for BIDS's entity ``space``."""
        return MNI_SPACE if self.name == MNI152 else "".join(filter(str.isalnum, self.name))

    def grid(self, spacing: float) -> Volume:
        """The template with voxels of another size in mm, about the same centre."""
        steps = [spacing / old for old in self.volume.spacing]
        shape = [max(1, round(length / step)) for length, step in zip(self.volume.shape, steps, strict=True)]
        return regrid(self.volume, shape, steps)

    def working(self, spacing: float = WORKING, around: float = SURROUNDINGS) -> tuple[Volume, np.ndarray]:
        """The template at a coarse grid, and (I, J, K) bool: the brain and so many mm around it."""
        volume = self.grid(spacing)
        share = regrid(self.volume.with_data(self.brain[np.newaxis].astype(np.float32)), volume.shape,
                       [spacing / old for old in self.volume.spacing]).data[0]  # fmt: skip
        away = ndimage.distance_transform_edt(share < 0.5, sampling=volume.spacing)
        return volume, away <= around

    @property
    def centre(self) -> np.ndarray:
        """(3,) the middle of the brain in mm."""
        voxel = np.array(ndimage.center_of_mass(self.brain))
        found: np.ndarray = (self.volume.affine @ np.append(voxel, 1.0))[:3]
        return found


@functools.lru_cache(maxsize=4)
def template(name: str = MNI152) -> Template:
    """The template of a name or path; kept, as every scan needs it.

    :raises UsageError: there is no such file, or it is no volume.
    """
    path = _mni() if name == MNI152 else Path(name).expanduser()
    try:
        volume = readers.read(path)
    except ScanError as error:
        raise UsageError(
            f"the template cannot be used: {error.what}",
            where=str(path),
            hints=[f"Give a NIfTI file, or {MNI152!r}, which nilearn ships."],
        ) from error
    brain = foreground(volume.data)
    if volume.spatial_dims != 3 or not brain.any():
        raise UsageError("the template should be a volume that shows a brain or head", where=str(path))
    stem = MNI152 if name == MNI152 else path.name.partition(".")[0]
    return Template(stem, hashlib.sha256(path.read_bytes()).hexdigest()[:16], volume, brain)


def _mni() -> Path:
    """The file of nilearn, found without importing it."""
    found = importlib.util.find_spec("nilearn")
    if found is None or found.origin is None:
        raise MlfpError("MNI152 is read from nilearn, which is not installed", hints=["pip install nilearn"])
    path = Path(found.origin).parent / "datasets" / "data" / _MNI_FILE
    if not path.is_file():
        raise MlfpError(
            "this nilearn ships no MNI152 that mlfp knows",
            where=str(path),
            hints=[
                "Versions 0.12 to 0.14 do: pip install 'nilearn<0.15'",
                "Or name a template of your own by its path.",
            ],
        )
    return path
