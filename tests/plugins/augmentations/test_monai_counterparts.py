"""DeepBrainPrint's transforms beside those of MONAI that its released code has: the same distributions."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from mlfp_plugins.augmentations.affine import Affine
from mlfp_plugins.augmentations.elastic import Elastic
from mlfp_plugins.augmentations.intensity_shift import IntensityShift
from mlfp_plugins.augmentations.legendre_bias_field import LegendreBiasField
from mlfp_plugins.augmentations.patches import Patches
from scipy import stats
from torch import Tensor

from mlfp.training.augment import AugmentationChain
from mlfp.training.maps import centred_grid

transforms = pytest.importorskip("monai.transforms")

DRAWS = 1500
#: Of the Kolmogorov-Smirnov test. Draws are seeded: a test that passes always passes.
LEAST_P = 0.005


def ours(augmentation: Any, image: Tensor, at: Callable[[Tensor], Tensor], draws: int = DRAWS) -> np.ndarray:
    """(draws, n) what is looked at in each of many draws."""
    chain, found = AugmentationChain([augmentation]), []
    for start in range(0, draws, 250):
        keys = [(0, row) for row in range(start, min(start + 250, draws))]
        made = chain(image.expand(len(keys), *image.shape), keys=keys, subject_keys=keys)
        found += [at(one) for one in made]
    return torch.stack(found).numpy()


def theirs(transform: Any, image: Tensor, at: Callable[[Tensor], Tensor], draws: int = DRAWS) -> np.ndarray:
    transform.set_random_state(seed=1)
    return torch.stack([at(torch.as_tensor(transform(image.clone()))) for _ in range(draws)]).float().numpy()


def alike(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether every column of the two has one distribution, and one of the distances from the middle (the scale)."""
    middle = np.median(other, axis=0)
    pairs = [*zip(one.T, other.T, strict=True), *zip(abs(one - middle).T, abs(other - middle).T, strict=True)]
    return all(stats.ks_2samp(a.round(4), b.round(4)).pvalue > LEAST_P for a, b in pairs)


def places(*voxels: tuple[int, ...]) -> Callable[[Tensor], Tensor]:
    """The values of all channels at some voxels."""
    return lambda image: torch.cat([image[:, *voxel] for voxel in voxels])


def ramps(*shape: int) -> Tensor:
    """Channels that hold the voxels' own coordinates: what is read there is where it was read."""
    return centred_grid(shape).movedim(-1, 0).contiguous()


IMAGES = {2: torch.rand(1, 12, 9, generator=torch.Generator().manual_seed(0)), 3: torch.rand(1, 8, 7, 6) + 1}


def test_the_comparison_sees_a_scale_that_is_a_tenth_off() -> None:
    image, at = IMAGES[2], places((3, 3))
    found = theirs(transforms.RandShiftIntensity(0.25, prob=0.4), image, at)
    made = functools.partial(ours, image=image, at=at)
    assert alike(made(IntensityShift(largest=0.25, unit="absolute")), found)
    assert not alike(made(IntensityShift(largest=0.25, unit="absolute", probability=0.5)), found)
    wide = theirs(transforms.RandShiftIntensity(0.25, prob=1.0), image, at)
    assert alike(made(IntensityShift(largest=0.25, unit="absolute", probability=1.0)), wide)
    assert not alike(made(IntensityShift(largest=0.285, unit="absolute", probability=1.0)), wide)


@pytest.mark.parametrize("dims", [2, 3])
def test_bias_field(dims: int) -> None:
    image = IMAGES[dims]
    last = tuple(size - 1 for size in image.shape[1:])
    at = places((0,) * dims, last, (0, *last[1:]), (last[0], *[0] * (dims - 1)), tuple(size // 2 for size in last))
    found = theirs(transforms.RandBiasField(prob=1.0), image, at)
    assert alike(ours(LegendreBiasField(probability=1.0), image, at), found)
    assert not alike(ours(LegendreBiasField(probability=1.0, coefficients=(0.0, 0.12)), image, at), found)
    assert alike(ours(LegendreBiasField(), image, at), theirs(transforms.RandBiasField(prob=0.3), image, at))


def test_bias_field_of_one_draw_is_monai_s_field_of_the_same_coefficients() -> None:
    transform = transforms.RandBiasField(degree=3)
    for dims, count in ((2, 10), (3, 20)):
        coefficients = np.random.default_rng(0).uniform(size=count)
        shape = IMAGES[dims].shape[1:]
        expected = transform._generate_random_field(shape, 3, coefficients)
        degrees = torch.zeros(*[4] * dims)
        index = np.tril_indices(4) if dims == 2 else np.array([p for p in np.ndindex(4, 4, 4) if sum(p) <= 3]).T
        degrees[tuple(torch.as_tensor(axis) for axis in index)] = torch.from_numpy(coefficients).float()
        field = LegendreBiasField()
        drawn = field.draw([torch.Generator().manual_seed(0)], IMAGES[dims][None])
        assert torch.equal(drawn["coefficients"][0, 0] != 0, degrees != 0)
        drawn.values["coefficients"] = degrees[None, None]
        made = field.apply(torch.ones(1, 1, *shape), drawn)[0, 0].log()
        torch.testing.assert_close(made, torch.from_numpy(expected).float(), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("dims", [2, 3])
def test_rotation(dims: int) -> None:
    image = ramps(*(21, 19, 17)[:dims])
    at = places((6, 5, 4)[:dims], (14, 12, 6)[:dims])
    angle = np.deg2rad(3)
    transform = transforms.RandRotate(*[angle] * (1 if dims == 2 else 3), prob=1.0, padding_mode="border")
    found = theirs(transform, image, at, 600)
    assert alike(ours(Affine(rotate=3, shift=0, scale=0), image, at, 600), found)
    assert not alike(ours(Affine(rotate=3.6, shift=0, scale=0), image, at, 600), found)


@pytest.mark.parametrize("dims", [2, 3])
def test_patches_of_noise_as_released(dims: int) -> None:
    image = ramps(*(24, 19, 14)[:dims])[:1]

    def at(made: Tensor) -> Tensor:
        changed = made != image
        noise = made[changed] if changed.any() else torch.zeros(2)
        corner, centre = (changed[(0, *[place] * dims)] for place in (0, 8))
        return torch.stack([changed.float().mean(), noise.mean(), noise.std(), noise.max(), corner, centre])

    transform = transforms.RandCoarseDropout(holes=3, spatial_size=(10,) * dims, prob=0.4)
    found = theirs(transform, image, at)
    assert alike(ours(Patches(fewest=3, most=3, fill="noise"), image, at), found)
    assert not alike(ours(Patches(fewest=1, most=3, fill="noise"), image, at), found)
    assert not alike(ours(Patches(fewest=3, most=3, fill="noise", size=9), image, at), found)


def test_patches_of_black_as_printed() -> None:
    image = ramps(30, 26)[:1]

    def at(made: Tensor) -> Tensor:
        black = made == image.min()
        return torch.stack([black.float().mean(), black[0, 15, 13].float(), black[0, 4, 2].float()])

    transform = transforms.RandCoarseDropout(
        holes=1, max_holes=3, spatial_size=(10, 10), fill_value=float(image.min()), prob=0.4
    )
    assert alike(ours(Patches(), image, at), theirs(transform, image, at))


@pytest.mark.parametrize("shape", [(65, 48), (90, 61)])
def test_elastic_in_2d_with_its_ripple(shape: tuple[int, int]) -> None:
    image, at = ramps(*shape), places((20, 24), (31, 11), (40, 35))
    transform = transforms.Rand2DElastic(spacing=(30, 30), magnitude_range=(1, 2), prob=1.0)
    found = theirs(transform, image, at, 500)
    assert alike(ours(Elastic(probability=1.0, ripple=True), image, at, 500), found)
    assert not alike(ours(Elastic(probability=1.0), image, at, 500), found)
    assert not alike(ours(Elastic(probability=1.0, ripple=True, magnitude=(1.3, 2.3)), image, at, 500), found)


def test_what_the_ripple_leaves_out_is_what_monai_does_to_every_image_alike() -> None:
    image, at = ramps(64, 48), places((20, 24), (31, 11), (40, 35))
    still = transforms.Rand2DElastic(spacing=(30, 30), magnitude_range=(0, 0), prob=1.0)
    moved = theirs(still, image, at, 1)
    keys = [(0, 0)]
    calm = ours(Elastic(probability=1.0, magnitude=(0, 0), ripple=True), image, at, 1)
    np.testing.assert_allclose(calm, moved, atol=0.05)
    assert np.abs(moved - at(image).numpy()).max() > 1
    plain = AugmentationChain([Elastic(probability=1.0, magnitude=(0, 0))])(image[None], keys=keys, subject_keys=keys)
    torch.testing.assert_close(plain[0], image, atol=1e-4, rtol=0)
    transform = transforms.Rand2DElastic(spacing=(30, 30), magnitude_range=(1, 2), prob=1.0)
    found = theirs(transform, image, at, 500) - moved + at(image).numpy()
    assert alike(ours(Elastic(probability=1.0), image, at, 500), found)


def test_elastic_in_3d() -> None:
    image, at = ramps(17, 16, 15), places((8, 7, 8), (7, 9, 6))
    transform = transforms.Rand3DElastic(sigma_range=(2, 3), magnitude_range=(20, 40), prob=1.0)
    found = theirs(transform, image, at, 300)
    assert alike(ours(Elastic(probability=1.0, sigma=(2, 3), magnitude=(20, 40)), image, at, 300), found)
    assert not alike(ours(Elastic(probability=1.0, sigma=(2.8, 3.8), magnitude=(20, 40)), image, at, 300), found)
