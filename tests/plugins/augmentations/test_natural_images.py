"""Crop, flip, jitter, blur and solarise, beside torchvision's; and who goes through them."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
import torch
from mlfp_plugins.augmentations.blur import Blur
from mlfp_plugins.augmentations.colour_jitter import ColourJitter
from mlfp_plugins.augmentations.flip import Flip
from mlfp_plugins.augmentations.natural_images import NaturalImages
from mlfp_plugins.augmentations.random_resized_crop import RandomResizedCrop
from mlfp_plugins.augmentations.solarise import Solarise
from mlfp_plugins.preprocessors.slice import Slice
from scipy import ndimage, stats
from torch import Tensor

from mlfp.errors import ParameterError
from mlfp.seeds import seeded_globals, torch_generator
from mlfp.training.augment import AugmentationChain
from mlfp.types.volume import Volume

transforms = pytest.importorskip("torchvision.transforms")
SHAPES = {2: (16, 14), 3: (10, 12, 9)}


def images(dims: int, count: int = 6) -> Tensor:
    """From 0 to 1, exactly."""
    drawn = torch.rand(count, 1, *SHAPES[dims], generator=torch_generator("images", dims)).flatten(1)
    drawn -= drawn.amin(1, keepdim=True)
    return (drawn / drawn.amax(1, keepdim=True)).view(count, 1, *SHAPES[dims])


def applied(augmentation: object, batch: Tensor, views: list[int] | None = None) -> Tensor:
    keys = [(0, row) for row in range(len(batch))]
    return AugmentationChain([augmentation])(batch, keys=keys, subject_keys=keys, views=views)


def generators(count: int) -> list[torch.Generator]:
    return [torch_generator("natural", row) for row in range(count)]


def test_crops_are_distributed_as_torchvision_s() -> None:
    count, size = 1500, 400
    drawn = RandomResizedCrop().draw(generators(count), torch.zeros(()).expand(count, 1, size, size))
    sides = drawn["matrix"].diagonal(dim1=1, dim2=2)
    ours = torch.cat([sides, drawn["offset"] / size + 0.5 - sides / 2, sides.prod(1, keepdim=True)], 1).numpy()
    with seeded_globals(3):
        theirs = np.array(
            [
                transforms.RandomResizedCrop.get_params(torch.zeros(1, size, size), [0.08, 1.0], [3 / 4, 4 / 3])
                for _ in range(count)
            ]
        )
    top, left, height, width = theirs.T / size
    for a, b in zip(ours.T, (height, width, top, left, height * width), strict=True):
        assert stats.ks_2samp(a, b).pvalue > 0.005
    assert stats.ks_2samp(ours[:, 0] * 1.08, height).pvalue < 0.005


@pytest.mark.parametrize("dims", [2, 3])
def test_a_crop_lies_within_the_image_and_has_its_size_and_shape(dims: int) -> None:
    shape = torch.tensor(SHAPES[dims])
    crop = RandomResizedCrop(scale=(0.2, 0.6))
    drawn = crop.draw(generators(400), torch.zeros(400, 1, *SHAPES[dims]))
    side = drawn["matrix"].diagonal(dim1=1, dim2=2)
    assert 0.2 - 1e-5 <= side.prod(1).min() < 0.25
    assert 0.55 < side.prod(1).max() <= 0.6 + 1e-5
    assert (drawn["offset"].abs() <= (1 - side) * shape / 2 + 1e-5).all()
    assert (side.amax(1) / side.amin(1)).max() < (4 / 3) ** (1 if dims == 2 else 2) + 1e-5


def test_a_crop_of_known_place_is_that_part_enlarged() -> None:
    ramp = torch.arange(16.0).expand(1, 1, 16, 16).clone()
    crop = RandomResizedCrop(scale=(0.25, 0.25), ratio=(1, 1))
    (generator,) = generators(1)
    offset = crop.draw([generator], ramp)["offset"][0, 1]
    made = applied(crop, ramp)
    drawn = crop.draw([torch_generator(0, 0, 0)], ramp)
    expected = (torch.arange(16.0) - 7.5) / 2 + drawn["offset"][0, 1] + 7.5
    torch.testing.assert_close(made[0, 0, 8], expected.clamp(0, 15), atol=1e-4, rtol=0)
    assert offset != drawn["offset"][0, 1]


@pytest.mark.parametrize("dims", [2, 3])
def test_a_flip_mirrors_exactly(dims: int) -> None:
    for axis in range(dims):
        assert torch.equal(applied(Flip(axis=axis, probability=1.0), images(dims)), images(dims).flip(2 + axis))
    some = applied(Flip(), images(dims, 64))
    mirrored = sum(not torch.equal(a, b) for a, b in zip(some, images(dims, 64), strict=True))
    assert 20 < mirrored < 44


@pytest.mark.parametrize("axis", ["axial", "coronal"])
def test_unless_told_otherwise_left_and_right_change_places(axis: Literal["axial", "coronal"]) -> None:
    """Of a volume, and of what the slice preprocessor cuts out of it."""
    volume = np.zeros((1, 6, 7, 8), dtype=np.float32)
    volume[0, 0] = 1  # the subject's left
    cut = torch.from_numpy(Slice(axis=axis)(Volume(volume, np.eye(4), "s")).data)[None]
    whole = torch.from_numpy(volume)[None]
    assert cut[..., 0].all()
    assert applied(Flip(probability=1.0), cut)[..., -1].all()
    assert applied(Flip(probability=1.0), whole)[:, :, -1].all()
    (flip,) = (step for step in NaturalImages().steps if isinstance(step, Flip))
    assert flip.axis is None


def test_crop_and_flip_are_resampled_once() -> None:
    batch, keys = images(2), [(0, row) for row in range(6)]
    both = AugmentationChain([RandomResizedCrop(), Flip(axis=0, probability=1.0)])
    once = both(batch, keys=keys, subject_keys=keys)
    cropped = AugmentationChain([RandomResizedCrop()])(batch, keys=keys, subject_keys=keys)
    torch.testing.assert_close(once, cropped.flip(2), atol=1e-5, rtol=0)


def test_jitter_is_distributed_as_torchvision_s() -> None:
    image, count = images(2, 1)[0], 1200

    def at(made: Tensor) -> list[float]:
        return [float(made[0, 2, 3]), float(made.mean()), float(made.std()), float(made.max())]

    theirs = transforms.RandomApply([transforms.ColorJitter(0.4, 0.4)], p=0.8)
    with seeded_globals(5):
        expected = np.array([at(theirs(image)) for _ in range(count)])
    for strength, same in ((0.4, True), (0.48, False)):
        jitter = ColourJitter(brightness=strength, contrast=strength)
        found = np.array([at(made) for made in applied(jitter, image.expand(count, *image.shape))])
        pairs = zip(found.T.round(4), expected.T.round(4), strict=True)
        assert all(stats.ks_2samp(a, b).pvalue > 0.005 for a, b in pairs) == same


@pytest.mark.parametrize("dims", [2, 3])
def test_a_blur_is_scipy_s(dims: int) -> None:
    batch, blur = images(dims), Blur(probability=1.0, deviation=(0.5, 2.0))
    drawn = blur.draw(generators(6), batch)
    made = blur.apply(batch, drawn)
    for row, deviation in enumerate(drawn["deviation"].tolist()):
        radius = int(np.ceil(3 * deviation))
        expected = ndimage.gaussian_filter(batch[row, 0].numpy(), deviation, mode="nearest", radius=radius)
        torch.testing.assert_close(made[row, 0].numpy(), expected, atol=1e-5, rtol=0)


def test_a_blur_in_mm_is_less_along_thick_voxels() -> None:
    point = torch.zeros(1, 1, 21, 21)
    point[..., 10, 10] = 1
    made = applied(Blur(probability=1.0, deviation=(2, 2), unit="mm", spacing=(1.0, 4.0)), point)[0, 0]
    place = torch.arange(21.0) - 10
    widths = [float((made.sum(axis) * place**2).sum().sqrt()) for axis in (1, 0)]
    assert widths == pytest.approx([2.0, 0.5], rel=0.1)


def test_solarise_is_torchvision_s_whatever_the_range() -> None:
    batch = images(2)
    expected = torch.stack([transforms.functional.solarize(image, 0.5) for image in batch])
    torch.testing.assert_close(applied(Solarise(probability=1.0), batch), expected)
    torch.testing.assert_close(applied(Solarise(probability=1.0), 40 * batch - 7), 40 * expected - 7)


@pytest.mark.parametrize("dims", [2, 3])
def test_views_go_through_what_is_theirs(dims: int) -> None:
    batch = images(dims, 1).expand(400, -1, *SHAPES[dims])
    views = [row % 2 for row in range(400)]
    for augmentation, share in ((Blur(probability=1.0, views="first"), (1, 0)), (Solarise(views="second"), (0, 0.2))):
        changed = (applied(augmentation, batch, views) != batch).flatten(1).any(1)
        for view in (0, 1):
            assert abs(float(changed[view::2].float().mean()) - share[view]) < 0.07
    alone = applied(Blur(probability=1.0, views="first"), batch[:1], [0])
    torch.testing.assert_close(applied(Blur(probability=1.0, views="first"), batch[:2], [0, 1])[:1], alone)


def test_the_recipes() -> None:
    barlow, simclr = NaturalImages().steps, NaturalImages(recipe="simclr", flip_axis=1).steps
    assert [(type(step).__name__, step.probability, getattr(step, "views", "both")) for step in barlow] == [
        ("RandomResizedCrop", 1.0, "both"),
        ("Flip", 0.5, "both"),
        ("ColourJitter", 0.8, "both"),
        ("Blur", 1.0, "first"),
        ("Blur", 0.1, "second"),
        ("Solarise", 0.2, "second"),
    ]
    assert [type(step).__name__ for step in simclr] == ["RandomResizedCrop", "Flip", "ColourJitter", "Blur"]
    assert (simclr[1].axis, simclr[2].contrast, barlow[2].contrast) == (1, 0.8, 0.4)


@pytest.mark.parametrize(
    ("make", "key"),
    [
        (lambda: RandomResizedCrop(scale=(0, 1)), "scale"),
        (lambda: RandomResizedCrop(ratio=(2, 1)), "ratio"),
        (lambda: Flip(axis=2).draw(generators(1), torch.zeros(1, 1, 4, 4)), "axis"),
        (lambda: ColourJitter(contrast=-1), "contrast"),
        (lambda: Blur(deviation=(0, 1)), "deviation"),
        (lambda: Solarise(threshold=2), "threshold"),
    ],
)
def test_impossible_values_are_refused(make: object, key: str) -> None:
    with pytest.raises(ParameterError) as caught:
        make()  # type: ignore[operator]
    assert caught.value.key == (key,)
