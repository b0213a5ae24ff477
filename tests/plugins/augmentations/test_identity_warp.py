"""New anatomies: invertible, smooth, shared by a subject."""

from __future__ import annotations

import pytest
import torch
from mlfp_plugins.augmentations.identity_warp import IdentityWarp, squeeze
from mlfp_plugins.augmentations.smooth import basis, deviation, spread
from torch import Tensor

from mlfp.errors import ParameterError
from mlfp.seeds import torch_generator
from mlfp.training.augment import AugmentationChain
from mlfp.training.maps import centred_grid


def located(warp: IdentityWarp, rows: int, shape: tuple[int, ...]) -> Tensor:
    """``(B, *spatial, n)`` where each voxel is taken from."""
    grid = centred_grid(shape).expand(rows, *shape, -1)
    drawn = warp.draw([torch_generator("warp", row) for row in range(rows)], torch.zeros(rows, 1, *shape))
    return warp.locate(grid, drawn)


def jacobian(points: Tensor) -> Tensor:
    """Determinants of the differences between neighbouring points."""
    dims = points.shape[-1]
    columns = []
    for axis in range(dims):
        others = [slice(None) if axis == other else slice(0, -1) for other in range(dims)]
        columns.append(points.diff(dim=1 + axis)[(slice(None), *others)])
    return torch.stack(columns, dim=-1).det()


@pytest.mark.parametrize(
    ("warp", "shape"),
    [
        (IdentityWarp(spacing=(4.5, 4.5, 4.5)), (40, 48, 32)),
        (IdentityWarp(strength=15, smoothness=30, spacing=(3.0, 3.0, 3.0)), (40, 48, 40)),
        (IdentityWarp(strength=0.06, smoothness=0.12, unit="fraction"), (96, 112)),
        (IdentityWarp(strength=12, smoothness=30), (128, 96)),
        (IdentityWarp(strength=40, smoothness=25, spacing=(3.0, 3.0, 3.0)), (30, 36, 28)),
    ],
)
def test_it_does_not_fold(warp: IdentityWarp, shape: tuple[int, ...]) -> None:
    determinants = jacobian(located(warp, 6, shape))
    assert determinants.min() > 0
    assert determinants.min() < 0.6  # and is strong
    assert determinants.max() > 1.5


def test_following_the_velocity_backwards_undoes_it() -> None:
    shape, spacing = (36, 40, 30), (4.0, 4.0, 4.0)
    warp = IdentityWarp(spacing=spacing)
    drawn = warp.draw([torch_generator("back")], torch.zeros(1, 1, *shape))
    # The same coefficients negated are the inverse flow.
    backwards = IdentityWarp(strength=8.0, spacing=spacing)
    object.__setattr__(backwards, "strength", -8.0)
    undone = backwards.draw([torch_generator("back")], torch.zeros(1, 1, *shape))
    grid = centred_grid(shape)[None]
    there = warp.locate(grid, drawn)
    error = (backwards.locate(there, undone) - grid)[:, 8:-8, 8:-8, 8:-8].norm(dim=-1)
    moved = (there - grid)[:, 8:-8, 8:-8, 8:-8].norm(dim=-1)
    assert error.mean() < 0.05 * moved.mean()


def test_strength_is_about_the_displacement_in_mm() -> None:
    shape, spacing = (40, 48, 32), (3.0, 4.5, 6.0)
    found = located(IdentityWarp(strength=5, smoothness=50, spacing=spacing), 12, shape) - centred_grid(shape)
    in_mm = found * torch.tensor(spacing)
    for axis in range(3):
        assert 3.5 < in_mm[..., axis].square().mean().sqrt() < 6.5


def test_rows_of_a_subject_share_it_and_subjects_differ() -> None:
    image = torch.rand(1, 1, 20, 24, generator=torch_generator(0)).expand(6, 1, 20, 24)
    chain = AugmentationChain([IdentityWarp(strength=3, smoothness=8)])
    keys = [(0, "row", row) for row in range(6)]
    made = chain(image, keys=keys, subject_keys=[(0, "subject", row % 3) for row in range(6)])
    assert torch.equal(made[:3], made[3:])
    assert not torch.equal(made[0], made[1])


@pytest.mark.parametrize("shape", [(5, 6), (5, 4, 6)])
def test_squeeze_is_the_smallest_determinant(shape: tuple[int, ...]) -> None:
    displacement = torch.randn(3, len(shape), *shape, generator=torch_generator("squeeze"))
    points = centred_grid(shape) + displacement.movedim(1, -1)
    torch.testing.assert_close(squeeze(displacement), jacobian(points).flatten(1).amin(dim=1))


def test_no_strength_no_change() -> None:
    shape = (9, 8, 7)
    assert torch.equal(located(IdentityWarp(strength=0), 2, shape), centred_grid(shape).expand(2, *shape, 3))


@pytest.mark.parametrize("wrong", [{"strength": -1.0}, {"smoothness": 0.0}])
def test_impossible_values_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ParameterError) as caught:
        IdentityWarp(**wrong)  # type: ignore[arg-type]
    assert caught.value.key == tuple(wrong)


def test_spline_weights_add_up_to_one_and_reproduce_lines() -> None:
    weights = basis(50, 8).double()
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(50).double(), atol=1e-6, rtol=0)
    line = weights @ torch.arange(-1.0, 7.0).double()
    torch.testing.assert_close(line, torch.linspace(0, 5, 50).double(), atol=1e-6, rtol=0)


@pytest.mark.parametrize("dims", [2, 3])
def test_deviation_is_that_of_random_fields(dims: int) -> None:
    coefficients = torch.randn(300, 1, *[8] * dims, generator=torch_generator(dims))
    field = spread(coefficients, [16] * dims)
    assert float(field.std()) == pytest.approx(deviation(dims), rel=0.1)
