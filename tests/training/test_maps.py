"""Maps composed and read once, compiled and in torch."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from mlfp.execution import compiled
from mlfp.seeds import torch_generator
from mlfp.training import maps
from mlfp.training.maps import AffineMap, DisplacementMap, Map, centred_grid, doubled, resample, sample

SHAPES = {2: (3, 2, 19, 24), 3: (3, 2, 11, 14, 9)}


def images(dims: int) -> Tensor:
    return torch.randn(SHAPES[dims], generator=torch_generator("images", dims))


def smooth(shape: tuple[int, ...]) -> Tensor:
    """Waves far longer than a voxel, fading before the border: linear interpolation is almost exact."""
    grid = centred_grid(shape)
    waves = torch.cos(grid * 0.15).prod(-1) + torch.sin(grid * 0.1).sum(-1)
    half = torch.tensor([(size - 1) / 2 for size in shape])
    return (waves * (1 - (grid / half) ** 2).prod(-1) ** 2)[None, None]


def affine(dims: int, rows: int = 3, size: float = 0.2) -> AffineMap:
    generator = torch_generator("affine", dims, size)
    matrix = torch.eye(dims) + size * torch.randn(rows, dims, dims, generator=generator)
    return AffineMap(matrix, 3 * size * torch.randn(rows, dims, generator=generator))


def displacement(dims: int, rows: int = 3) -> DisplacementMap:
    generator = torch_generator("displacement", dims)
    return DisplacementMap(torch.randn(rows, dims, *(5, 4, 6)[:dims], generator=generator))


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("kinds", ["a", "d", "ad", "da", "dad", "aadd"])
def test_compiled_maps_equal_torch_s(dims: int, kinds: str, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[Map] = [affine(dims) if kind == "a" else displacement(dims) for kind in kinds]
    outside = torch.tensor([[0.5, -1.0]]).repeat(3, 1)
    assert maps._kernels(images(dims)) is not None
    fast = resample(images(dims), steps, outside)
    monkeypatch.setattr(maps, "_kernels", lambda values: None)
    torch.testing.assert_close(fast, resample(images(dims), steps, outside), atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("dims", [2, 3])
def test_compiled_doubling_equals_torch_s(dims: int, monkeypatch: pytest.MonkeyPatch) -> None:
    field = displacement(dims).displacement
    fast = doubled(field)
    monkeypatch.setattr(maps, "_kernels", lambda values: None)
    torch.testing.assert_close(fast, doubled(field), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("dims", [2, 3])
def test_the_identity_gives_the_image_itself(dims: int) -> None:
    identity = AffineMap(torch.eye(dims).repeat(3, 1, 1), torch.zeros(3, dims))
    assert torch.equal(resample(images(dims), [identity], torch.zeros(3, 2)), images(dims))


def test_whole_shifts_and_right_angles_move_voxels_exactly() -> None:
    image = torch.randn(1, 1, 9, 9, 9, generator=torch_generator(0))
    shift = AffineMap(torch.eye(3)[None], torch.tensor([[1.0, -2.0, 0.0]]))
    moved = resample(image, [shift], torch.full((1, 1), 7.0))
    assert torch.equal(moved[..., :8, 2:, :], image[..., 1:, :7, :])
    assert (moved[..., 8, :, :] == 7).all()
    assert (moved[..., :2, :] == 7).all()
    quarter = AffineMap(torch.tensor([[[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]]]), torch.zeros(1, 3))
    assert torch.equal(resample(image, [quarter], torch.zeros(1, 1)), image.rot90(1, (2, 3)))


def test_one_resampling_of_two_exact_maps_equals_two_resamplings_exactly() -> None:
    image = torch.randn(1, 1, 9, 9, 9, generator=torch_generator(0))
    shift = AffineMap(torch.eye(3)[None], torch.tensor([[1.0, -2.0, 0.0]]))
    quarter = AffineMap(torch.tensor([[[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]]]), torch.zeros(1, 3))
    fill = torch.zeros(1, 1)
    for first, second in ((shift, quarter), (quarter, shift)):
        twice = resample(resample(image, [first], fill), [second], fill)
        # The last applied is gone through first, from the output back.
        assert torch.equal(resample(image, [second, first], fill), twice)


@pytest.mark.parametrize("shape", [(40, 44), (28, 30, 26)])
def test_one_resampling_equals_two_but_for_their_interpolation(shape: tuple[int, ...]) -> None:
    image, dims, fill = smooth(shape), len(shape), torch.zeros(1, 1)
    first: Map = affine(dims, 1, 0.05)
    second: Map = DisplacementMap(0.7 * displacement(dims, 1).displacement)
    once = resample(image, [second, first], fill)
    twice = resample(resample(image, [first], fill), [second], fill)
    error = (once - twice).abs().max() / image.abs().max()
    assert error < 0.02
    wrong = resample(image, [first, second], fill)
    assert (wrong - twice).abs().max() / image.abs().max() > 2 * error


def test_beyond_the_image_is_what_is_asked_for() -> None:
    image = torch.ones(1, 1, 4, 4)
    far = torch.tensor([[[10.0, 0.0], [2.0, 0.0]]])[:, :, None]  # the second half a voxel beyond
    assert sample(image, far, torch.full((1, 1), 3.0)).flatten().tolist() == pytest.approx([3.0, 2.0])
    assert sample(image, far).flatten().tolist() == [1.0, 1.0]


def test_without_numba_there_are_no_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled.kernels.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "numba", None)
    assert compiled.kernels("mlfp.training.kernels") is None
    compiled.kernels.cache_clear()
