"""What can go wrong with a scan, one thing at a time and as much as is asked for: for curves of robustness."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from scipy import ndimage

from mlfp.data.masks import air, foreground
from mlfp.errors import ParameterError
from mlfp.seeds import numpy_generator
from mlfp.types.volume import Volume

Kind = Literal["noise", "bias", "negative", "gamma", "blur", "resolution", "crop", "edge"]
#: Width of a bias field as a share of the image, and in mm of what a skull strip misses at a place.
BIAS_WIDTH, EDGE_WIDTH = 0.25, 10.0


@dataclass(frozen=True)
class Disturb:
    """Disturb one scan, all channels alike.

    What is drawn depends on the seed, the kind and the scan, and not on the amount. Air keeps its value, but for
    ``blur`` and ``resolution``, which run over the edge as scanners do.

    :param kind: ``noise`` (standard deviations of the tissue), ``bias`` (a smooth field, its standard deviation in the
        exponent), ``negative`` (1: bright becomes dark), ``gamma`` (the exponent is 2 to the amount, or one over it),
        ``blur`` (mm, a Gaussian's standard deviation), ``resolution`` (mm, thickness of slices along one axis),
        ``crop`` (share of the image that is lost at one side) or ``edge`` (mm by which a skull strip cuts too deep,
        here more and there less).
    :param amount: how much; 0 leaves the scan as it is.
    :param seed: another seed gives other draws.
    """

    kind: Kind = "noise"
    amount: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.amount >= 0 or (self.kind in ("crop", "negative") and self.amount > 1):
            limits = "from 0 to 1" if self.kind in ("crop", "negative") else "not below 0"
            raise ParameterError(f"the amount of {self.kind} is {limits}; got {self.amount}", key=("amount",))

    def __call__(self, volume: Volume) -> Volume:
        """Disturb one scan."""
        if self.amount == 0:
            return volume
        generator = numpy_generator(self.seed, "disturb", self.kind, volume.scan)
        data = volume.data.astype(np.float32)
        return volume.with_data(_KINDS[self.kind](data, volume, self.amount, generator).astype(np.float32))


Change = Callable[[np.ndarray, Volume, float, np.random.Generator], np.ndarray]


def _noise(data: np.ndarray, volume: Volume, amount: float, generator: np.random.Generator) -> np.ndarray:
    inside = foreground(data)
    deviation = data[:, inside].std() if inside.any() else 1.0
    return data + amount * deviation * inside * generator.standard_normal(data.shape, dtype=np.float32)


def _bias(data: np.ndarray, volume: Volume, amount: float, generator: np.random.Generator) -> np.ndarray:
    widths = [BIAS_WIDTH * length for length in volume.shape]
    factor = np.exp(amount * _smooth(volume.shape, widths, generator))
    still = _airs(data)
    return np.asarray(still + (data - still) * factor)


def negated(data: np.ndarray, amount: float = 1.0) -> np.ndarray:
    """``(C, I, J[, K])`` with bright for dark inside the head, between its own lowest and highest value; air stays.

    :param amount: how far on the way there.
    """
    inside = foreground(data)
    low, high = _range(data, inside)
    return np.where(inside, data + amount * (low + high - 2 * data), data)


def _negative(data: np.ndarray, volume: Volume, amount: float, generator: np.random.Generator) -> np.ndarray:
    return negated(data, amount)


def _gamma(data: np.ndarray, volume: Volume, amount: float, generator: np.random.Generator) -> np.ndarray:
    inside = foreground(data)
    low, high = _range(data, inside)
    span = np.maximum(high - low, 1e-6)
    exponent = 2 ** (amount * generator.choice([-1.0, 1.0]))
    return np.where(inside, low + span * np.clip((data - low) / span, 0, 1) ** exponent, data)


def _blur(data: np.ndarray, volume: Volume, amount: float, generator: np.random.Generator) -> np.ndarray:
    widths = [amount / step for step in volume.spacing]
    return np.stack([ndimage.gaussian_filter(channel, widths, mode="nearest") for channel in data])


def _resolution(data: np.ndarray, volume: Volume, amount: float, generator: np.random.Generator) -> np.ndarray:
    axis = int(generator.integers(volume.spatial_dims))
    length, thickness = volume.shape[axis], amount / volume.spacing[axis]
    if thickness <= 1:
        return data
    averaged = ndimage.uniform_filter1d(data, max(1, round(thickness)), axis=axis + 1, mode="nearest")
    slices = np.arange((thickness - 1) / 2, length, thickness)
    # Each voxel takes the value of the slice that it lies in.
    nearest = np.clip(np.round((np.arange(length) - slices[0]) / thickness).astype(int), 0, len(slices) - 1)
    return np.asarray(averaged.take(np.round(slices).astype(int).clip(0, length - 1)[nearest], axis=axis + 1))


def _crop(data: np.ndarray, volume: Volume, amount: float, generator: np.random.Generator) -> np.ndarray:
    axis, end = int(generator.integers(volume.spatial_dims)), int(generator.integers(2))
    length = volume.shape[axis]
    lost = round(amount * length)
    gone = np.arange(length) < lost if end == 0 else np.arange(length) >= length - lost
    shape = [1] * data.ndim
    shape[axis + 1] = length
    return np.where(gone.reshape(shape), _airs(data), data)


def _edge(data: np.ndarray, volume: Volume, amount: float, generator: np.random.Generator) -> np.ndarray:
    depth = ndimage.distance_transform_edt(foreground(data), sampling=volume.spacing)
    widths = [EDGE_WIDTH / step for step in volume.spacing]
    missed = amount * (1 + _smooth(volume.shape, widths, generator))
    return np.where(depth > missed, data, _airs(data))


def _smooth(shape: tuple[int, ...], widths: list[float], generator: np.random.Generator) -> np.ndarray:
    """A smooth field of mean 0 and standard deviation 1."""
    field = ndimage.gaussian_filter(generator.standard_normal(shape), widths, mode="wrap")
    field -= field.mean()
    smooth: np.ndarray = (field / max(float(field.std()), 1e-12)).astype(np.float32)
    return smooth


def _airs(data: np.ndarray) -> np.ndarray:
    """(C, 1, ...) the value of air in each channel."""
    return np.array([air(channel) for channel in data], np.float32).reshape(-1, *(1,) * (data.ndim - 1))


def _range(data: np.ndarray, inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(C, 1, ...) lowest and highest value of each channel's tissue."""
    shape = (-1, *(1,) * (data.ndim - 1))
    tissue = data[:, inside] if inside.any() else data.reshape(len(data), -1)
    return tissue.min(axis=1).reshape(shape), tissue.max(axis=1).reshape(shape)


_KINDS: dict[Kind, Change] = {
    "noise": _noise, "bias": _bias, "negative": _negative, "gamma": _gamma, "blur": _blur, "resolution": _resolution,
    "crop": _crop, "edge": _edge,
}  # fmt: skip
assert set(_KINDS) == set(get_args(Kind))
