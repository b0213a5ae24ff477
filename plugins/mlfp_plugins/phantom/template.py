"""The MNI152 brain, on the phantom's grid: tissue maps, and the distances that a subject's anatomy is built along."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.special import expit

from mlfp_plugins.phantom.atlas import files
from mlfp_plugins.phantom.grid import Grid


@dataclass(frozen=True)
class Template:
    """Maps of the average brain, each (I, J, K) float32; distances in mm.

    :param brain: 1 inside the skull strip; the five tissues that follow add up to it.
    :param fluid: fluid outside the ventricles.
    :param grey: grey matter of cortex, cerebellum and brain stem.
    :param white: white matter.
    :param deep: deep grey matter (thalamus, striatum, pallidum).
    :param ventricle: fluid in the ventricles.
    :param depth: distance to the edge of the brain mask; 0 outside.
    :param push: (3, I, J, K) away from the ventricles, as long as growing ventricles move what is there; 1 at the wall.
    :param pial_depth: distance to the outer surface, the fissure between the hemispheres and the big sulci included.
    :param foot: (3, I, J, K) where on that surface the nearest point is, in voxels.
    :param foldable: 1 where the cerebrum can be folded, 0 in cerebellum, brain stem, deep grey matter and callosum.
    :param cerebellum: 1 in it.
    :param folia: phase in radians of its leaves.
    """

    brain: np.ndarray
    fluid: np.ndarray
    grey: np.ndarray
    white: np.ndarray
    deep: np.ndarray
    ventricle: np.ndarray
    depth: np.ndarray
    push: np.ndarray
    pial_depth: np.ndarray
    foot: np.ndarray
    foldable: np.ndarray
    cerebellum: np.ndarray
    folia: np.ndarray


@functools.lru_cache(maxsize=2)
def template(grid: Grid) -> Template:
    """The template on a grid; takes about a second, once a process."""
    brain, grey, white = _tissues(grid)
    inside = brain > 0.5
    fluid = np.clip(brain - grey - white, 0, 1)
    depth = _distance(~inside, grid)
    ventricle = fluid * _ventricle(fluid, depth, grid)
    from_ventricle = _distance(ventricle > 0.4, grid)
    deep = grey * _box(grid, (3.0, 33.0), (-36.0, 24.0), (-12.0, 18.0)) * expit((depth - 22.0) / 2.0)
    cerebellum = _cerebellum(grid)
    pial_depth, foot = _outer_surface(inside, fluid, white, depth, grid)
    return Template(
        brain=brain,
        fluid=np.asarray(fluid - ventricle, dtype=np.float32),
        grey=np.asarray(grey - deep, dtype=np.float32),
        white=white,
        deep=np.asarray(deep, dtype=np.float32),
        ventricle=np.asarray(ventricle, dtype=np.float32),
        depth=depth,
        push=_push(from_ventricle, grid),
        pial_depth=pial_depth,
        foot=foot,
        foldable=_foldable(grid, cerebellum, deep, from_ventricle),
        cerebellum=np.asarray(np.broadcast_to(cerebellum, grid.shape), dtype=np.float32),
        folia=_folia(grid),
    )


def _tissues(grid: Grid) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    import nibabel

    images = {name: nibabel.load(path) for name, path in files().items()}
    raw = {name: np.asanyarray(image.dataobj) for name, image in images.items()}
    inside = ndimage.binary_fill_holes(ndimage.binary_opening(raw["t1"] > 12, iterations=2))
    to_source = np.linalg.inv(images["t1"].affine) @ grid.affine
    maps = []
    for values in (255.0 * inside, raw["gm"], raw["wm"]):
        smooth = ndimage.gaussian_filter(values.astype(np.float32), 0.35 * grid.spacing, truncate=3)
        moved = ndimage.affine_transform(smooth, to_source, output_shape=grid.shape, order=1)
        maps.append(np.clip(moved / 255.0, 0.0, 1.0).astype(np.float32))
    brain, grey, white = maps
    excess = np.maximum(grey + white, brain) / np.maximum(brain, 1e-6)
    return brain, grey / np.maximum(excess, 1), white / np.maximum(excess, 1)


def _distance(target: np.ndarray, grid: Grid) -> np.ndarray:
    """Distance in mm to the nearest voxel of a mask."""
    return np.asarray(ndimage.distance_transform_edt(~target) * grid.spacing, dtype=np.float32)


def _ventricle(fluid: np.ndarray, depth: np.ndarray, grid: Grid) -> np.ndarray:
    """Where fluid is ventricular: far from the surface, and not in the cistern behind the third ventricle."""
    x, y, z = grid.axes()
    cistern = (np.abs(x) < 14) & (y < -28) & (z > -12)
    core = (fluid > 0.5) & (depth > 22) & (z < 32) & ~cistern
    labels, count = ndimage.label(core)
    sizes = ndimage.sum_labels(core, labels, np.arange(1, count + 1))
    largest = np.isin(labels, 1 + np.argsort(sizes)[::-1][:4])
    soft = ndimage.gaussian_filter(ndimage.binary_dilation(largest).astype(np.float32), 0.5)
    clipped: np.ndarray = np.clip(soft, 0, 1)
    return clipped


def _push(from_ventricle: np.ndarray, grid: Grid) -> np.ndarray:
    away = np.stack(np.gradient(from_ventricle, grid.spacing))
    near = np.exp(-np.square(np.maximum(from_ventricle - 3.0, 0.0) / 10.0))
    return np.asarray(away * near, dtype=np.float32)


def _box(grid: Grid, *sides: tuple[float, float]) -> np.ndarray:
    """A box in MNI mm with soft sides; the first is counted from the midline, so that the box is in both halves."""
    x, y, z = grid.axes()
    inside = [
        expit((place - low) / 1.5) * expit((high - place) / 1.5)
        for place, (low, high) in zip((np.abs(x), y, z), sides, strict=True)
    ]
    return np.asarray(inside[0] * inside[1] * inside[2])


def _outer_surface(
    inside: np.ndarray, fluid: np.ndarray, white: np.ndarray, depth: np.ndarray, grid: Grid
) -> tuple[np.ndarray, np.ndarray]:
    """Distance to the outer surface with its fissures, and where its nearest point lies."""
    x, _, z = grid.axes()
    fissure = (np.abs(x) < 0.8 * grid.spacing) & (white < 0.4) & (z > -20) & (depth < 60)
    labels, _ = ndimage.label(~inside | (fluid > 0.45) | fissure)
    outside = (labels == labels[0, 0, 0]) & ((depth < 40) | fissure)
    distance, foot = ndimage.distance_transform_edt(~outside, return_indices=True)
    smooth = [ndimage.gaussian_filter(axis.astype(np.float32), 1.0) for axis in foot]
    return np.asarray(distance * grid.spacing, dtype=np.float32), np.stack(smooth)


def _cerebellum(grid: Grid) -> np.ndarray:
    """Below the tentorium, which falls from the callosum's end to the back of the head, and behind the stem."""
    _, y, z = grid.axes()
    tentorium = np.clip(-4 + 0.36 * (y + 40), -26, 0)
    return np.asarray(_step(tentorium - z, 3) * _step(-28 - y, 4))


def _foldable(grid: Grid, cerebellum: np.ndarray, deep: np.ndarray, from_ventricle: np.ndarray) -> np.ndarray:
    x, y, z = grid.axes()
    stem = _step(-8 - z, 3) * _step(20 - np.abs(x), 3) * _step(6 - y, 4)
    core = np.clip(1.5 * ndimage.gaussian_filter(deep, 1.0), 0, 1)
    free = (1 - cerebellum) * (1 - stem) * (1 - core) * _step(from_ventricle - 8, 2)
    return np.asarray(free, dtype=np.float32)


def _folia(grid: Grid) -> np.ndarray:
    """Phase in radians of the leaves of the cerebellum: they fan out from its middle, some 7 mm apart at its rim."""
    _, y, z = grid.axes()
    return np.asarray(26 * np.arctan2(z + 28, -46 - y) + np.zeros(grid.shape), dtype=np.float32)


def _step(distance: np.ndarray, width: float) -> np.ndarray:
    """From 0 to 1 as the distance in mm turns positive."""
    return np.asarray(expit(distance / width))
