"""A subject: the shape, folds and lesions that make a brain somebody's, and what the years do to them."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from mlfp_plugins.phantom.draws import Draws
from mlfp_plugins.phantom.fields import band, mixture
from mlfp_plugins.phantom.grid import Grid
from mlfp_plugins.phantom.population import age_of, draws
from mlfp_plugins.phantom.settings import LEVELS, Settings
from mlfp_plugins.phantom.template import template
from mlfp_plugins.phantom.warp import flow, identity, resample

#: Order of the tissue maps.
TISSUES = ("fluid", "grey", "white", "deep", "ventricle")
#: Standard deviation in mm of the warp's velocity at each width in mm.
COARSE, FINE = {36.0: 2.2, 22.0: 1.0}, {12.0: 1.5, 6.0: 0.9}
#: Weight of a coarse warp's mirror image.
SYMMETRY = 0.5
#: The MNI152 brain is larger than most by about this share along each axis.
AVERAGE = np.float32(0.08)
#: Widths in mm between which own folds live: sulci come out about 25 mm apart, between those everybody has.
FOLDS = (8.0, 20.0)


@dataclass(frozen=True)
class Anatomy:
    """What stays of a subject through life.

    :param age: in years, at the first session.
    :param velocity: (3, I, J, K) mm: the shape.
    :param to_sulcus: (I, J, K) mm: distance to the nearest of the sulci that only this subject has.
    :param gyri: (I, J, K): how far the white matter reaches into the gyri.
    :param opening: (I, J, K): how open the sulci are that everybody has.
    :param sulcus_width: half the width of own sulci in mm, at the first session.
    :param thickness: of the cortex, in mm.
    :param ventricles: mm by which the ventricles' wall is moved out, at the first session.
    :param rate: of ageing; 1 is the average.
    :param scale: of the brain along each axis, minus 1.
    :param lesions: (L, 4): places in MNI mm, and radius in mm.
    :param texture: (I, J, K): tissue is not quite even.
    """

    age: float
    velocity: np.ndarray
    to_sulcus: np.ndarray
    gyri: np.ndarray
    opening: np.ndarray
    sulcus_width: float
    thickness: float
    ventricles: float
    rate: float
    scale: np.ndarray
    lesions: np.ndarray
    texture: np.ndarray


@functools.lru_cache(maxsize=2)
def anatomy(settings: Settings, subject: int) -> Anatomy:
    """Draw a subject."""
    grid, level, draw = Grid(settings.spacing), LEVELS[settings.level], draws(settings, subject)
    age = age_of(settings, subject)
    reach = level.surface + (1 - level.surface) * expit((template(grid).depth - 9.0) / 4.0)
    cortex = {what: _cortical(settings, draw, what, grid) for what in ("folds", "gyri", "opening")}
    depths = band(draw.normal("depths", grid.shape), grid, 12.0)
    return Anatomy(
        age=age,
        velocity=np.asarray(_shape(draw, grid) * reach, dtype=np.float32),
        to_sulcus=_to_sulcus(band(cortex["folds"], grid, *FOLDS), depths, grid),
        gyri=band(cortex["gyri"], grid, 3.5, 8.0),
        opening=band(cortex["opening"], grid, 4.0, 10.0),
        sulcus_width=draw.uniform("width", 0.3, 0.9),
        thickness=draw.uniform("thickness", 2.3, 3.2),
        ventricles=draw.uniform("ventricles", -1.2, 2.8) + 0.05 * (age - 65.0),
        rate=draw.uniform("rate", 0.5, 1.6),
        scale=level.size * draw.normal("scale", (3,)),
        lesions=_lesions(draw.generator("lesions"), grid),
        texture=band(draw.normal("texture", grid.shape), grid, 2.0),
    )


def _shape(draw: Draws, grid: Grid) -> np.ndarray:
    """(3, I, J, K) mm: the velocity of the warp; what is coarse in it is much the same left and right."""
    velocity = []
    for axis in "xyz":
        coarse = mixture(draw.normal(f"shape {axis}", grid.shape), grid, COARSE)
        mirrored = (-coarse if axis == "x" else coarse)[::-1]
        even = (coarse + np.float32(SYMMETRY) * mirrored) / np.float32(np.hypot(1, SYMMETRY))
        velocity.append(even + mixture(draw.normal(f"detail {axis}", grid.shape), grid, FINE))
    return np.stack(velocity)


def _cortical(settings: Settings, draw: Draws, what: str, grid: Grid) -> np.ndarray:
    """(I, J, K) white noise behind a cortical field: a mixture of the population's and the subject's own."""
    angle = np.deg2rad(LEVELS[settings.level].own)
    common = Draws((settings.seed, "phantom", "population")).normal(what, grid.shape)
    return np.float32(np.cos(angle)) * common + np.float32(np.sin(angle)) * draw.normal(what, grid.shape)


def _to_sulcus(folds: np.ndarray, depths: np.ndarray, grid: Grid) -> np.ndarray:
    """Distance in mm to sulci that stand upright on the outer surface where ``folds`` is zero, and 13 mm or so deep.

    The field of the nearest point of the surface is taken, so that sulci go straight in. The hemispheres read it
    40 mm apart: else both banks of the fissure between them would fold alike.
    """
    base = template(grid)
    foot = base.foot.copy()
    side = np.where(grid.axes()[0] > 0, 20.0, -20.0) / grid.spacing
    foot[0] = np.mod(foot[0] + side, grid.shape[0] - 1)
    upright = resample(folds[None], foot - identity(grid.shape))[0]
    slope = np.sqrt(sum(np.square(part) for part in np.gradient(upright, grid.spacing)))
    across = np.abs(upright) / np.maximum(slope, np.float32(0.02))
    beneath = np.maximum(base.pial_depth - (13.0 + 3.5 * depths), 0)
    return np.asarray(np.hypot(across, beneath), dtype=np.float32)


def _lesions(generator: np.random.Generator, grid: Grid) -> np.ndarray:
    """White-matter lesions: up to five, in fixed places."""
    count = int(generator.integers(0, 6))
    deep_white = np.argwhere((template(grid).white > 0.9) & (template(grid).depth > 15))
    places = deep_white[generator.integers(0, len(deep_white), count)] * grid.spacing + grid.affine[:3, 3]
    return np.column_stack([places, generator.uniform(1.5, 4.0, count)])


@functools.lru_cache(maxsize=4)
def tissue_maps(settings: Settings, subject: int, years: float) -> np.ndarray:
    """A subject's tissues, so many years after the first session.

    :return: (5, I, J, K) float32 in the order of :data:`TISSUES`; their sum is the brain, 0 outside.
    """
    grid, body = Grid(settings.spacing), anatomy(settings, subject)
    ageing = years * body.rate
    return resample(_folded(body, ageing, grid), _displacement(body, ageing, grid))


def _folded(body: Anatomy, ageing: float, grid: Grid) -> np.ndarray:
    """The template's tissues with the subject's own cortex. Its strengths, in log-odds, were chosen by looking."""
    base = template(grid)
    sulcus, ribbon = _own_sulci(body, ageing, grid)
    opened = 0.5 + 1.2 * body.opening + (body.sulcus_width - 0.6) + 0.06 * ageing
    fluid = _shifted(base.fluid, base.grey + base.white, base.foldable * opened)
    fluid = np.maximum(fluid, 0.9 * base.foldable * sulcus)
    blades = base.foldable * (1.5 * body.gyri - 0.5 * (body.thickness - 2.7))
    leaves = 2 * base.cerebellum * np.sin(base.folia + 1.5 * body.opening)
    white = _shifted(base.white, base.grey, blades + leaves) * (1 - base.foldable * ribbon)
    shares = np.stack([fluid, (1 - fluid) * (1 - white), (1 - fluid) * white])
    rest = np.clip(base.brain - base.deep - base.ventricle, 0, 1)
    return np.asarray(np.concatenate([shares * rest, base.deep[None], base.ventricle[None]]), dtype=np.float32)


def _shifted(part: np.ndarray, rest: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """A tissue's share against the rest: its log-odds shifted, and sharpened, as an average of many is blurred."""
    odds = np.log((part + np.float32(0.01)) / (rest + np.float32(0.01)))
    return np.asarray(expit(np.float32(1.25) * odds + shift))


def _own_sulci(body: Anatomy, ageing: float, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """The subject's own sulci: their fluid, and fluid with the cortex along it, each 0 to 1."""
    width, soft = body.sulcus_width * (1 + 0.06 * ageing), np.float32(0.3 * grid.spacing)
    fluid, both = (expit((limit - body.to_sulcus) / soft) for limit in (width, width + body.thickness))
    return fluid, both


def _displacement(body: Anatomy, ageing: float, grid: Grid) -> np.ndarray:
    """(3, I, J, K) voxels: from each voxel of the subject to where in the template it comes from."""
    grown = np.float32(body.ventricles + 0.28 * ageing) * template(grid).push
    middle = (np.array(grid.shape, dtype=np.float32).reshape(3, 1, 1, 1) - 1) / 2
    scaled = (identity(grid.shape) - middle) * (AVERAGE + body.scale.reshape(3, 1, 1, 1))
    return np.asarray(scaled + resample(flow((body.velocity - grown) / np.float32(grid.spacing)), scaled))
