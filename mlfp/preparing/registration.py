"""A scan to a template, by ANTs: a search for the pose, then twelve degrees of freedom from there.

What makes ANTs repeatable: one thread (sums of several come in any order), and a fixed seed for the voxels it samples.
The same build of antspyx on the same kind of processor then gives the same bits. Another build or processor may differ
in the last digits, as its sums are vectorised in another way.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from scipy import ndimage

from mlfp.data.grids import averaging
from mlfp.data.masks import air
from mlfp.errors import ComponentImportError, ScanError
from mlfp.preparing.pose import BINS, classes_of, find_pose, normalised_information
from mlfp.preparing.template import MNI152, Template
from mlfp.types.volume import Volume

Kind = Literal["affine", "rigid"]

#: Stretches from a template to a brain along any direction; beyond, an affine has gone astray, as it may where thick
#: slices or large lesions leave little to hold it. MNI152 is larger than most brains (right ones had 0.75 to 1.01 of
#: it, those stretched over the skull 1.06 and more); other templates may be smaller.
PLAUSIBLE, PLAUSIBLE_MNI = (0.55, 1.6), (0.6, 1.06)
#: RAS to LPS, which ITK counts in.
_FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])
_THREADS = "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"


@dataclass(frozen=True)
class Registration:
    """How a scan lies to a template.

    :param matrix: (4, 4) mm of the template to mm of the scan, both RAS.
    :param kind: ``affine`` or ``rigid``, as asked for; or ``similarity``: where twelve numbers led astray, those of the
        pose (one size for all axes) were kept and its position refined.
    :param fit: normalised mutual information over the template's brain, from 1 to 2; comparable within a contrast.
    """

    matrix: np.ndarray
    kind: str
    fit: float


def register(volume: Volume, template: Template, *, kind: Kind = "affine", seed: int = 0) -> Registration:
    """Find where a scan lies; its first channel is looked at.

    :param kind: ``affine``, or ``rigid``: the rotation and shift of the affine, sizes kept (as HCP's aff2rigid).
    :param seed: of the voxels that ANTs samples.
    :raises ComponentImportError: antspyx is not installed.
    :raises ScanError: it is no volume, shows nothing, or ANTs cannot work on it.
    """
    if volume.spatial_dims != 3:
        raise ScanError("only volumes can be registered; this is a picture")
    start = find_pose(volume, template)
    found = "affine"
    matrix = _refined(volume, template, start, "Affine", seed)
    if not _plausible(matrix, template):
        found, matrix = "similarity", _refined(volume, template, start, "Rigid", seed)
    if kind == "rigid":
        found, matrix = "rigid", rigid_part(matrix, template.centre)
    return Registration(matrix, found, _fit(volume, template, matrix))


def _plausible(matrix: np.ndarray, template: Template) -> bool:
    low, high = PLAUSIBLE_MNI if template.name == MNI152 else PLAUSIBLE
    stretches = np.linalg.svd(matrix[:3, :3], compute_uv=False)
    return bool(stretches.max() <= high and stretches.min() >= low and np.linalg.det(matrix[:3, :3]) > 0)


def place(
    volume: Volume, matrix: np.ndarray, grid: Volume, *, order: Literal[0, 1] = 1, fill: float | None = None
) -> Volume:
    """The scan on another grid: every voxel of ``grid`` takes the value where ``matrix`` sends it.

    Where the new voxels are larger, old ones are averaged first, so that nothing is aliased.

    :param matrix: (4, 4) mm of the grid to mm of the scan.
    :param order: 1 interpolates linearly, 0 takes the nearest voxel.
    :param fill: beyond the scan; None is its air.
    """
    back = np.linalg.inv(volume.affine) @ matrix @ grid.affine
    channels = []
    for channel in volume.data.astype(np.float32):
        beyond = air(channel) if fill is None else fill
        smooth = _averaged(channel, np.linalg.norm(back[:3, :3], axis=1)) if order else channel
        found = ndimage.affine_transform(
            smooth, back, output_shape=grid.shape, order=order, mode="constant", cval=beyond
        )
        channels.append(found)
    return volume.with_data(np.stack(channels), affine=grid.affine)


def rigid_part(matrix: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """The nearest rotation, and the shift that sends ``centre`` (3,) where the whole matrix does."""
    left, _, right = np.linalg.svd(matrix[:3, :3])
    found = np.eye(4)
    found[:3, :3] = left @ right
    found[:3, 3] = matrix[:3, :3] @ centre + matrix[:3, 3] - found[:3, :3] @ centre
    return found


def _averaged(channel: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Means over windows as long as the new voxels are, along each axis of the old ones."""
    for axis, step in enumerate(steps):
        if step > 1:
            weights = averaging(channel.shape[axis], float(step)).astype(np.float32)
            channel = np.moveaxis(np.tensordot(channel, weights, axes=(axis, 1)), -1, axis)
    return channel


def _fit(volume: Volume, template: Template, matrix: np.ndarray) -> float:
    grid, near = template.working()
    seen = place(volume.with_data(volume.data[:1]), matrix, grid).data[0][near]
    return normalised_information(classes_of(grid.data[0][near], BINS), classes_of(seen, BINS), BINS)


def _refined(volume: Volume, template: Template, start: np.ndarray, kind: str, seed: int) -> np.ndarray:
    """The transform that ANTs finds from a start; both (4, 4) mm of the template to mm of the scan.

    It looks at the template's brain alone: with the surroundings, bright fluid around a T2's brain drew the affine
    outwards, onto the skull (1.20 where the same head's FLAIR had 0.99).

    :param kind: what ANTs may change of the start: ``Affine``, or ``Rigid``.
    """
    ants = require_ants()
    grid, near = template.working(around=0.0)
    with tempfile.TemporaryDirectory(prefix="mlfp-") as folder, _deterministic(ants, seed):
        initial = Path(folder) / "start.mat"
        ants.write_transform(_to_itk(ants, start), str(initial))
        try:
            found = ants.registration(
                _image(ants, grid.data[0], grid.affine), _image(ants, volume.data[0], volume.affine),
                type_of_transform=kind, initial_transform=[str(initial)], outprefix=f"{folder}/",
                mask=_image(ants, near, grid.affine), mask_all_stages=True,
                aff_iterations=(500, 250, 20), aff_shrink_factors=(4, 2, 1), aff_smoothing_sigmas=(2, 1, 0),
            )  # fmt: skip
        except (RuntimeError, ValueError) as error:  # what ITK throws comes so
            raise ScanError(f"ANTs cannot register it: {str(error).splitlines()[0]}") from error
        return _of_itk(ants.read_transform(found["fwdtransforms"][0]))


def require_ants() -> Any:
    """The package antspyx, told to use one thread.

    :raises ComponentImportError: it is not installed.
    """
    try:
        with _one_thread():
            return importlib.import_module("ants")
    except ImportError as error:
        raise ComponentImportError(
            f"registration needs antspyx: {error}",
            hints=["pip install 'mlfp[register]'", "Or leave it out: mlfp prepare --register none"],
        ) from error


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """ITK reads how many threads to use when it first needs to know, and then keeps to it."""
    before = os.environ.get(_THREADS)
    os.environ[_THREADS] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_THREADS]
        else:
            os.environ[_THREADS] = before


@contextlib.contextmanager
def _deterministic(ants: Any, seed: int) -> Iterator[None]:
    """ANTs with one thread and this seed. Its switch also seeds numpy and random, whose states are put back."""
    states = np.random.get_state(), random.getstate()
    before = ants.config._deterministic, ants.config._random_seed
    with _one_thread():
        try:
            ants.config.set_ants_deterministic(True, seed_value=seed + 1)  # to ANTs, 0 means the clock
            yield
        finally:
            ants.config._deterministic, ants.config._random_seed = before
            np.random.set_state(states[0])
            random.setstate(states[1])


def _image(ants: Any, data: np.ndarray, affine: np.ndarray) -> Any:
    """(I, J, K) and its affine in RAS as an image of ANTs, which counts in LPS."""
    lps = _FLIP @ affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    return ants.from_numpy(
        np.ascontiguousarray(data, dtype=np.float32), origin=lps[:3, 3].tolist(), spacing=spacing.tolist(),
        direction=lps[:3, :3] / spacing,
    )  # fmt: skip


def _to_itk(ants: Any, matrix: np.ndarray) -> Any:
    lps = _FLIP @ matrix @ _FLIP
    return ants.create_ants_transform(
        transform_type="AffineTransform", precision="float", dimension=3, matrix=lps[:3, :3], offset=lps[:3, 3]
    )


def _of_itk(transform: Any) -> np.ndarray:
    """(4, 4) in RAS. ITK turns about a centre: x -> A (x - c) + c + t."""
    values, centre = np.asarray(transform.parameters, dtype=float), np.asarray(transform.fixed_parameters, dtype=float)
    lps = np.eye(4)
    lps[:3, :3] = values[:9].reshape(3, 3)
    lps[:3, 3] = values[9:] + centre - lps[:3, :3] @ centre
    found: np.ndarray = _FLIP @ lps @ _FLIP
    return found
