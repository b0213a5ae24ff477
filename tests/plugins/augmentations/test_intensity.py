"""Contrast inside the head, noise, bias and field of view."""

from __future__ import annotations

import pytest
import torch
from mlfp_plugins.augmentations import intensity
from mlfp_plugins.augmentations.bias_field import BiasField
from mlfp_plugins.augmentations.field_of_view import FieldOfView
from mlfp_plugins.augmentations.head import head
from mlfp_plugins.augmentations.intensity import Intensity, recolour
from mlfp_plugins.augmentations.noise import Noise
from torch import Tensor

from mlfp.errors import ParameterError
from mlfp.seeds import torch_generator
from mlfp.training.tones import background, intensity_range

NEVER = {f"{name}_probability": 0.0 for name in ("curve", "gamma", "negative", "gain", "shift")}


def generators(count: int) -> list[torch.Generator]:
    return [torch_generator("intensity", row) for row in range(count)]


def heads(dims: int, rows: int = 4, air: float = 0.0) -> Tensor:
    """Balls of tissue from 0.3 to 1 with a dark hole inside, in air."""
    shape = (20, 22, 18)[:dims]
    axes = [torch.linspace(-1, 1, size) for size in shape]
    radius = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1).norm(dim=-1)
    tissue = 0.3 + 0.7 * torch.rand(rows, 1, *shape, generator=torch_generator("tissue", dims))
    return torch.where((radius < 0.8) & (radius > 0.2), tissue, 0.0) + air


def applied(augmentation: Intensity, images: Tensor) -> Tensor:
    return augmentation.apply(images, augmentation.draw(generators(len(images)), images))


@pytest.mark.parametrize("dims", [2, 3])
def test_the_head_has_its_holes_and_no_air(dims: int) -> None:
    images = heads(dims, air=-1.3)
    inside = head(images)
    centre = tuple(size // 2 for size in images.shape[2:])
    assert inside[(..., *centre)].all()
    assert inside[images > -1.2].all()
    assert not inside[(..., *[0] * dims)].any()
    assert inside.float().mean() < 0.6


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("within", ["head", "image"])
def test_compiled_look_up_equals_torch_s(dims: int, within: str) -> None:
    images = torch.cat([heads(dims), heads(dims, air=-2.0)], dim=1)
    augmentation = Intensity(within=within)  # type: ignore[arg-type]
    drawn = augmentation.draw(generators(4), images)
    expected = recolour(images, drawn["table"], everywhere=within == "image")
    torch.testing.assert_close(augmentation.apply(images, drawn), expected, atol=2e-5, rtol=1e-4)


def test_without_kernels_torch_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    images, augmentation = heads(3), Intensity()
    fast = applied(augmentation, images)
    monkeypatch.setattr(intensity, "kernels", lambda module: None)
    torch.testing.assert_close(applied(augmentation, images), fast, atol=2e-5, rtol=1e-4)


def test_a_negative_turns_the_head_and_leaves_the_air() -> None:
    images = heads(3, air=5.0)
    made = applied(Intensity(**{**NEVER, "negative_probability": 1.0}), images)
    low, high = (end.view(-1, 1, 1, 1, 1) for end in intensity_range(images))
    inside = head(images) & (images < high)
    torch.testing.assert_close(made[inside], (low + high - images)[inside], atol=1e-4, rtol=0)
    assert torch.equal(made[~head(images)], images[~head(images)])


def test_within_image_changes_the_air_too() -> None:
    made = applied(Intensity(**{**NEVER, "negative_probability": 1.0}, within="image"), heads(2))
    assert (made[..., 0, 0] > 0.9).all()


def test_shift_and_gain_are_shares_of_the_range() -> None:
    images = 100 * heads(3)
    for name in ("shift", "gain"):
        augmentation = Intensity(**{**NEVER, f"{name}_probability": 1.0, name: 0.2})
        change = (applied(augmentation, images) - images)[..., 9, 3, 9] / (
            torch.tensor(100.0) if name == "shift" else images[..., 9, 3, 9]
        )
        assert change.abs().max() <= 0.2 * 1.01
        assert change.abs().max() > 0.05


def test_the_same_draw_whatever_the_normalisation() -> None:
    images = heads(3)
    made, scaled = applied(Intensity(), images), applied(Intensity(), 40 * images - 7)
    torch.testing.assert_close(scaled, 40 * made - 7, atol=1e-3, rtol=1e-4)


def test_nothing_drawn_is_nothing_changed() -> None:
    drawn = Intensity(**NEVER).draw(generators(4), heads(2))
    assert not drawn.active.any()
    torch.testing.assert_close(drawn["table"], torch.linspace(0, 1, 129).expand(4, 129))


def test_bias_field_is_smooth_and_leaves_the_air() -> None:
    images = heads(3, air=2.0)
    augmentation = BiasField(probability=1.0, strength=0.5)
    made = augmentation.apply(images, augmentation.draw(generators(4), images))
    ratio = ((made - 2) / (images - 2))[:, :, 3:-3, 10, 3:6].log()
    assert torch.equal(made[..., 0, 0, 0], images[..., 0, 0, 0])
    assert 0.01 < ratio.nanmean(dim=(1, 2, 3)).abs().max() < 2
    assert ratio.diff(dim=2).nan_to_num(0).abs().max() < 0.3


def test_noise_is_at_most_as_strong_as_asked_and_of_its_own_row() -> None:
    images = heads(3)
    augmentation = Noise(probability=1.0, deviation=0.1)
    noise = augmentation.apply(images, augmentation.draw(generators(4), images)) - images
    deviations = noise.flatten(1).std(dim=1)
    assert deviations.max() <= 0.11
    assert len(deviations.unique()) == 4


def test_noise_is_drawn_only_for_those_it_changes() -> None:
    drawn = Noise(probability=0.5).draw(generators(16), torch.zeros(16, 1, 5, 5))
    assert 2 < int(drawn.active.sum()) < 14
    assert not drawn["noise"][~drawn.active].any()


def test_field_of_view_cuts_slabs_off_the_ends() -> None:
    images = torch.rand(32, 1, 20, 10, 10, generator=torch_generator(0)) + 1
    images[..., :1, :1, :1] = images[..., -1:, -1:, -1:] = 0
    for corner in ((0, -1), (-1, 0)):
        for last in (0, -1):
            images[..., corner[0], corner[1], last] = 0
    images[..., 0, 0, -1] = images[..., -1, -1, 0] = 0
    augmentation = FieldOfView(cut=0.3, axes=(0,), probability=1.0)
    made = augmentation.apply(images, augmentation.draw(generators(32), images))
    assert torch.equal(background(images), torch.zeros(32, 1))
    kept = (made != 0).any(dim=-1).any(dim=-1)[:, 0]
    assert (made[:, 0][kept] == images[:, 0][kept]).all()
    assert kept[:, 6:14].all()
    assert (kept.int().diff(dim=1).abs().sum(dim=1) <= 2).all()
    assert 2 < int((~kept[:, 0]).sum()) < 30


@pytest.mark.parametrize(
    ("make", "key"),
    [
        (lambda: Intensity(curve=-1), "curve"),
        (lambda: BiasField(strength=-1), "strength"),
        (lambda: BiasField(controls=0), "controls"),
        (lambda: Noise(deviation=-1), "deviation"),
        (lambda: FieldOfView(cut=0.5), "cut"),
        (lambda: FieldOfView(axes=(2,)).draw(generators(1), torch.zeros(1, 1, 4, 4)), "axes"),
    ],
)
def test_impossible_values_are_refused(make: object, key: str) -> None:
    with pytest.raises(ParameterError) as caught:
        make()  # type: ignore[operator]
    assert caught.value.key == (key,)
