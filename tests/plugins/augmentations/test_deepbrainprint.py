"""The six transforms, one by one and as a preset; and Few-Shot Fingerprinting's."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from mlfp_plugins.augmentations.affine import Affine
from mlfp_plugins.augmentations.deepbrainprint import DeepBrainPrint
from mlfp_plugins.augmentations.elastic import Elastic
from mlfp_plugins.augmentations.few_shot_fingerprinting import FewShotFingerprinting
from mlfp_plugins.augmentations.intensity_shift import IntensityShift
from mlfp_plugins.augmentations.legendre_bias_field import LegendreBiasField
from mlfp_plugins.augmentations.negative import Negative
from mlfp_plugins.augmentations.patches import Patches
from torch import Tensor

from mlfp.errors import ParameterError
from mlfp.seeds import torch_generator
from mlfp.training.augment import AugmentationChain
from mlfp.training.tones import background

SHAPES = {2: (24, 20), 3: (16, 18, 14)}


def images(dims: int, count: int = 8, channels: int = 2) -> Tensor:
    return torch.randn(count, channels, *SHAPES[dims], generator=torch_generator("images", dims))


def applied(augmentation: object, batch: Tensor) -> Tensor:
    keys = [(0, row) for row in range(len(batch))]
    return AugmentationChain([augmentation])(batch, keys=keys, subject_keys=keys)


@pytest.mark.parametrize("dims", [2, 3])
def test_a_negative_is_minimum_plus_maximum_minus_the_image(dims: int) -> None:
    batch = images(dims)
    made = applied(Negative(probability=1.0), batch)
    for before, after in zip(batch.flatten(0, 1), made.flatten(0, 1), strict=True):
        torch.testing.assert_close(after, before.min() + before.max() - before)
    torch.testing.assert_close(applied(Negative(probability=1.0), made), batch, atol=1e-5, rtol=0)


@pytest.mark.parametrize("unit", ["deviation", "range", "absolute"])
def test_a_shift_is_one_number_in_its_unit(unit: Any) -> None:
    batch = 40 * images(3, 64) + 7
    change = applied(IntensityShift(probability=1.0, unit=unit), batch) - batch
    one = change.flatten(1)[:, 0]
    torch.testing.assert_close(change, one.view(-1, 1, 1, 1, 1).expand_as(change), atol=1e-3, rtol=0)
    flat = batch.flatten(1)
    size = {"deviation": flat.std(1, correction=0), "range": flat.amax(1) - flat.amin(1), "absolute": torch.ones(64)}
    share = one / size[unit]
    assert 0.2 < share.abs().max() <= 0.25 * 1.01
    assert abs(float(share.mean())) < 0.06


def test_deviations_of_z_scored_images_are_absolute() -> None:
    batch = images(2)
    flat = batch.flatten(1)
    scored = ((flat - flat.mean(1, keepdim=True)) / flat.std(1, correction=0, keepdim=True)).view_as(batch)
    made = [applied(IntensityShift(unit=unit), scored) for unit in ("deviation", "absolute")]
    torch.testing.assert_close(*made)


def test_a_bias_field_about_the_background_leaves_it() -> None:
    batch = images(2)
    batch[..., :2, :], batch[..., -2:, :], batch[..., :2], batch[..., -2:] = 3, 3, 3, 3
    still = applied(LegendreBiasField(probability=1.0, about="background"), batch)
    assert torch.equal(still[..., :2, :], batch[..., :2, :])
    assert torch.equal(background(still), background(batch))
    assert not torch.equal(applied(LegendreBiasField(probability=1.0), batch)[..., :2, :], batch[..., :2, :])


@pytest.mark.parametrize(
    ("unit", "size", "expected"), [("voxel", 5, (5, 5)), ("mm", 8, (4, 2)), ("fraction", 0.5, (12, 10))]
)
def test_a_patch_has_its_size_and_the_minimum(unit: Any, size: float, expected: tuple[int, int]) -> None:
    batch = images(2)
    patches = Patches(most=1, size=size, unit=unit, probability=1.0, spacing=(2.0, 4.0))
    made = applied(patches, batch)
    for before, after in zip(batch.flatten(0, 1), made.flatten(0, 1), strict=True):
        covered = after == before.min()
        rows, columns = covered.any(1).nonzero(), covered.any(0).nonzero()
        assert (after[~covered] == before[~covered]).all()
        assert (len(rows), len(columns)) == expected or covered.sum() == math.prod(expected) + 1
        assert covered.sum() - math.prod(expected) in (0, 1)


def test_patches_larger_than_the_image_cover_it() -> None:
    made = applied(Patches(size=100, probability=1.0), images(3))
    assert (made == images(3).flatten(2).amin(2)[..., None, None, None]).all()


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("release", ["printed", "released"])
def test_the_preset_is_the_chain_of_the_six(dims: int, release: Any) -> None:
    batch = images(dims, 40, 1)
    preset = DeepBrainPrint(release=release)
    names = [type(step).__name__ for step in preset.steps]
    assert names == ["Negative", "Affine", "IntensityShift", "LegendreBiasField", "Patches", "Elastic"]
    assert [step.probability for step in preset.steps] == [0.4, 1.0, 0.4, 0.3, 0.4, 0.3]
    keys = [(0, row) for row in range(40)]
    by_hand = AugmentationChain(preset.steps)(batch, keys=keys, subject_keys=keys)
    assert torch.equal(applied(preset, batch), by_hand)


def test_print_and_release_differ_in_what_the_docstring_says() -> None:
    printed, released = (DeepBrainPrint(release=release).steps for release in ("printed", "released"))
    assert [a == b for a, b in zip(printed, released, strict=True)] == [True, False, True, True, False, False]
    assert (printed[1].fill, released[1].fill) == ("background", 0.0)
    assert ((printed[4].fewest, printed[4].fill), (released[4].fewest, released[4].fill)) == (
        (1, "minimum"),
        (3, "noise"),
    )
    assert (printed[5].ripple, released[5].ripple) == (False, True)


def test_in_mm_the_preset_is_smaller_on_coarse_voxels() -> None:
    fine, coarse = (DeepBrainPrint(unit="mm", spacing=(size,) * 3).steps for size in (1.0, 2.0))
    still = torch.zeros(()).expand(64, 1, 40, 40, 40)
    generators = [torch_generator(row) for row in range(64)]
    sizes = [step[5].draw(generators, still)["displacement"].std() for step in (fine, coarse)]
    assert 1.6 < sizes[0] / sizes[1] < 2.4
    assert coarse[4]._sizes((40, 40, 40)) == [5, 5, 5]


def test_rotations_of_other_fills_are_resampled_apart() -> None:
    batch = torch.ones(4, 1, 20, 20)
    keys = [(0, row) for row in range(4)]
    chain = AugmentationChain([Affine(rotate=0, shift=5, scale=0, fill=-1.0), Affine(rotate=0, shift=5, scale=0)])
    made = chain(batch, keys=keys, subject_keys=keys)
    assert made.min() == pytest.approx(-1)
    assert AugmentationChain([Affine(rotate=0, shift=5, scale=0)])(batch, keys=keys, subject_keys=keys).min() == 1


def test_few_shot_fingerprinting_stays_within_its_bounds_and_reaches_them() -> None:
    (affine,) = FewShotFingerprinting().steps
    drawn = affine.draw([torch_generator(row) for row in range(500)], torch.zeros(()).expand(500, 1, 78, 120, 120))
    assert 0.4 < drawn.active.float().mean() < 0.6
    inverse = torch.linalg.inv(drawn["matrix"][drawn.active])
    grow = inverse.norm(dim=2)  # scales stand on the left of the rotation
    assert 0.9 - 1e-4 < grow.min() < 0.905
    assert 1.095 < grow.max() < 1.1 + 1e-4
    assert (grow.std(dim=1) > 0.001).float().mean() > 0.9, "each axis by its own factor"
    move = -(inverse @ drawn["offset"][drawn.active][:, :, None]).squeeze(2)
    assert 4.9 < move.abs().max() <= 5 + 1e-4
    turn = inverse / grow[:, :, None]
    angle = torch.arccos(((turn.diagonal(dim1=1, dim2=2).sum(1) - 1) / 2).clamp(-1, 1))
    assert 0.12 < angle.max() < 0.1 * math.sqrt(3) * 1.01
    (picture,) = FewShotFingerprinting(images="x-ray").steps
    assert (picture.rotate, picture.shift, picture.unit, picture.scale, picture.fill) == (5, 0.05, "fraction", 0.05, 0)


@pytest.mark.parametrize("dims", [2, 3])
def test_elastic_is_shared_by_a_subject_where_asked(dims: int) -> None:
    batch = images(dims, 1).expand(4, -1, *SHAPES[dims])
    chain = AugmentationChain([Elastic(scope="subject", probability=1.0, apart=6)])
    made = chain(batch, keys=[(0, row) for row in range(4)], subject_keys=[(0, row // 2) for row in range(4)])
    assert torch.equal(made[0], made[1])
    assert not torch.equal(made[1], made[2])


@pytest.mark.parametrize(
    ("make", "key"),
    [
        (lambda: IntensityShift(largest=-1), "largest"),
        (lambda: LegendreBiasField(degree=0), "degree"),
        (lambda: Patches(fewest=4), "fewest"),
        (lambda: Patches(size=0), "size"),
        (lambda: Elastic(apart=0), "apart"),
        (lambda: Elastic(sigma=(0, 1)), "sigma"),
        (lambda: Elastic(sigma=(1, 2), ripple=True), "ripple"),
    ],
)
def test_impossible_values_are_refused(make: object, key: str) -> None:
    with pytest.raises(ParameterError) as caught:
        make()  # type: ignore[operator]
    assert caught.value.key == (key,)
