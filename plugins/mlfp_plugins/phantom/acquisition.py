"""What the scanner, the technician and the skull strip add to a brain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial.transform import Rotation
from scipy.special import ndtr

from mlfp.seeds import numpy_generator
from mlfp_plugins.phantom.fields import band, blur
from mlfp_plugins.phantom.grid import Grid
from mlfp_plugins.phantom.settings import LEVELS, Settings
from mlfp_plugins.phantom.warp import identity, resample

#: Residual misregistration: half the range, in degrees and mm.
ROTATION, SHIFT = 3.0, 2.5
#: Strength of the bias field in the exponent, and its width in mm.
BIAS, BIAS_WIDTH = 0.08, 50.0
#: Standard deviation of the noise in each of the two channels; Rician after taking the magnitude.
NOISE = 0.018
#: Width in mm over which a skull strip's error keeps its sign, and of the blur that turns it into a distance.
EDGE_WIDTH, EDGE_BLUR = 10.0, 3.0


@dataclass(frozen=True)
class Scanner:
    """What one scanner does to every scan.

    :param bias: exponent of its fixed bias field, (I, J, K), or None.
    :param blur: standard deviation of its point spread, in voxels.
    :param noise: standard deviation of its noise.
    """

    bias: np.ndarray | None = None
    blur: float = 0.0
    noise: float = NOISE


def scanner(settings: Settings, site: int) -> Scanner:
    """The scanner of a site: in site mode each has its own look; otherwise there is one, without a look."""
    if settings.mode != "site":
        return Scanner()
    grid, generator = Grid(settings.spacing), numpy_generator(settings.seed, "phantom", "scanner", site)
    bias = 0.18 * band(generator.standard_normal(grid.shape, dtype=np.float32), grid, BIAS_WIDTH)
    place = (site + 0.5) / settings.sites  # evenly spread, so that sites never happen to be alike
    return Scanner(bias=bias, blur=0.2 + 0.7 * place, noise=0.012 + 0.03 * ((0.5 + 0.618 * site) % 1.0))


def acquire(
    shown: np.ndarray, brain: np.ndarray, settings: Settings, machine: Scanner, generator: np.random.Generator
) -> np.ndarray:
    """One scan of a brain.

    :param shown: (I, J, K) the brain in the sequence's contrast.
    :param brain: (I, J, K) 1 inside the brain.
    :param generator: of the scan.
    :return: (I, J, K) float32, 0 outside the skull strip.
    """
    grid = Grid(settings.spacing)
    exponent = BIAS * band(generator.standard_normal(grid.shape, dtype=np.float32), grid, BIAS_WIDTH)
    if machine.bias is not None:
        exponent = exponent + machine.bias
    moved, brain = resample(np.stack([shown * np.exp(exponent), brain]), _motion(settings, generator, grid))
    moved = _spread(moved, machine, generator)
    real, imaginary = machine.noise * generator.standard_normal((2, *grid.shape), dtype=np.float32)
    magnitude = np.hypot(moved + real, imaginary) ** np.float32(generator.uniform(0.9, 1.12))
    return np.asarray(magnitude * _strip(brain, settings, generator, grid), dtype=np.float32)


def _motion(settings: Settings, generator: np.random.Generator, grid: Grid) -> np.ndarray:
    """(3, I, J, K) voxels: the head lies a little differently each time."""
    much = LEVELS[settings.level].motion
    turn = Rotation.from_euler("xyz", much * generator.uniform(-ROTATION, ROTATION, 3), degrees=True).as_matrix()
    shift = much * generator.uniform(-SHIFT, SHIFT, 3) / grid.spacing
    middle = (np.array(grid.shape) - 1) / 2
    turned = np.einsum("ab,bijk->aijk", (turn - np.eye(3)).astype(np.float32), identity(grid.shape))
    return np.asarray(turned + (middle + shift - turn @ middle).reshape(3, 1, 1, 1).astype(np.float32))


def _spread(shown: np.ndarray, machine: Scanner, generator: np.random.Generator) -> np.ndarray:
    """Blur, more along the axis of the slices."""
    widths = generator.uniform(0.0, 0.6, 3)
    widths[generator.integers(3)] += generator.uniform(0.0, 0.5)
    widths = np.hypot(widths, machine.blur)
    for axis, width in enumerate(widths):
        if width > 0.2:  # narrower than this a sampled Gaussian is the identity
            shown = ndimage.gaussian_filter1d(shown, width, axis=axis, truncate=3.0)
    return shown


def _strip(brain: np.ndarray, settings: Settings, generator: np.random.Generator, grid: Grid) -> np.ndarray:
    """The skull strip's mask: the brain, its edge missed by some mm that differ from scan to scan."""
    edge = LEVELS[settings.level].edge
    if edge == 0:
        return np.asarray(brain > 0.5)
    missed = edge * band(generator.standard_normal(grid.shape, dtype=np.float32), grid, EDGE_WIDTH) + edge
    # Under a Gaussian, a straight edge becomes the normal distribution's integral over the distance to it.
    return np.asarray(blur(brain, grid, EDGE_BLUR) > ndtr(missed / EDGE_BLUR)) & (brain > 0.5)
