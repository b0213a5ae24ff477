"""Rotation, shift and scale in world units."""

from __future__ import annotations

import math

import pytest
import torch
from mlfp_plugins.augmentations.affine import Affine, rotation
from torch import Tensor

from mlfp.errors import ParameterError
from mlfp.seeds import torch_generator
from mlfp.training.maps import resample


def generators(count: int = 64) -> list[torch.Generator]:
    return [torch_generator("affine", row) for row in range(count)]


def matrices(affine: Affine, *shape: int) -> tuple[Tensor, Tensor]:
    drawn = affine.draw(generators(), torch.zeros(64, 1, *shape))
    return drawn["matrix"], drawn["offset"]


def test_rotations_are_rotations() -> None:
    for angles in (torch.randn(5, 1).double(), torch.randn(5, 3).double()):
        turn = rotation(angles)
        torch.testing.assert_close(turn @ turn.mT, torch.eye(turn.shape[1]).double().expand_as(turn))
        torch.testing.assert_close(turn.det(), torch.ones(5).double())


def test_a_quarter_turn_about_the_last_axis_takes_the_first_to_the_second() -> None:
    turn = rotation(torch.tensor([[0.0, 0.0, math.pi / 2]]).double())[0]
    torch.testing.assert_close(turn @ torch.tensor([1.0, 0, 0]).double(), torch.tensor([0.0, 1, 0]).double())


def test_draws_stay_within_their_bounds_and_reach_them() -> None:
    affine = Affine(rotate=10, shift=4, scale=0.1, unit="voxel")
    matrix, offset = matrices(affine, 20, 30)
    scale = 1 / matrix.det().sqrt()
    angle = torch.rad2deg(torch.atan2(matrix[:, 0, 1], matrix[:, 0, 0])).abs()
    shift = -(torch.linalg.inv(matrix) @ offset[:, :, None]).squeeze(2).abs()
    for value, low, high in ((scale, 0.9, 1.1), (angle, 0, 10), (-shift, 0, 4)):
        assert value.min() >= low - 1e-4
        assert value.max() <= high + 1e-4
        assert value.max() > 0.9 * (high - low) + low


def test_lengths_in_mm_are_kept_by_rotation_where_voxels_are_unequal() -> None:
    spacing = torch.tensor([1.0, 2.0, 5.0])
    matrix, _ = matrices(Affine(rotate=40, shift=0, scale=0, spacing=(1.0, 2.0, 5.0)), 8, 8, 8)
    world = spacing[:, None] * matrix / spacing
    torch.testing.assert_close(world @ world.mT, torch.eye(3).expand(64, 3, 3), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("unit", "voxels"), [("mm", (3.0, 1.5)), ("voxel", (6.0, 6.0)), ("fraction", (60.0, 120.0))])
def test_units_of_the_shift(unit: str, voxels: tuple[float, float]) -> None:
    affine = Affine(rotate=0, scale=0, shift=6, unit=unit, spacing=(2.0, 4.0))  # type: ignore[arg-type]
    _, offset = matrices(affine, 10, 20)
    largest = offset.abs().amax(dim=0)
    assert all(0.8 * bound < float(found) <= bound for found, bound in zip(largest, voxels, strict=True))


def test_the_image_moves_the_way_it_should() -> None:
    """A dot on the first axis, turned by +90 degrees, grown to double distance, then shifted: where it should be."""
    image = torch.zeros(1, 1, 17, 17)
    image[..., 10, 8] = 1  # 2 voxels from the centre
    drawn = Affine(rotate=90, shift=3, scale=0.9, unit="voxel").draw(generators(1), image)
    turn = torch.linalg.inv(drawn["matrix"][0])
    place = turn @ (torch.tensor([2.0, 0.0]) - drawn["offset"][0])
    moved = resample(image, [Affine().map(drawn)], torch.zeros(1, 1))[0, 0]
    found = (moved[..., None] * torch.stack(torch.meshgrid(*[torch.arange(17.0) - 8] * 2, indexing="ij"), -1)).sum(
        (0, 1)
    )
    torch.testing.assert_close(found / moved.sum(), place, atol=0.35, rtol=0)


def test_probability_leaves_images_alone() -> None:
    drawn = Affine(probability=0.25).draw(generators(), torch.zeros(64, 1, 8, 8))
    assert 4 < int(drawn.active.sum()) < 32
    assert torch.equal(drawn["matrix"][~drawn.active], torch.eye(2).expand(int((~drawn.active).sum()), 2, 2))
    assert not drawn["offset"][~drawn.active].any()


@pytest.mark.parametrize("wrong", [{"rotate": -1.0}, {"shift": -1.0}, {"scale": 1.0}])
def test_impossible_bounds_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ParameterError) as caught:
        Affine(**wrong)  # type: ignore[arg-type]
    assert caught.value.key == tuple(wrong)
