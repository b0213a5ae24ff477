from __future__ import annotations

import math

import pytest
import torch
from mlfp_plugins.encoders.structure_3d import edge_directions, middle, self_similarity

from mlfp.plugins import registry
from mlfp.types.spec import Spec


def image(seed: int = 0, shape: tuple[int, ...] = (7, 8, 6)) -> torch.Tensor:
    return torch.randn(1, 1, *shape, generator=torch.Generator().manual_seed(seed))


def gradient_at(values: torch.Tensor, place: tuple[int, int, int]) -> torch.Tensor:
    """Central differences at a voxel, one-sided at the ends."""
    found = []
    for axis in range(3):
        ahead, behind = list(place), list(place)
        ahead[axis] = min(place[axis] + 1, values.shape[axis] - 1)
        behind[axis] = max(place[axis] - 1, 0)
        found.append(values[tuple(ahead)] - values[tuple(behind)])
    return torch.stack(found)


def test_edge_directions_equal_the_slow_reference():
    values = image()[0, 0]
    places = [(i, j, k) for i in range(7) for j in range(8) for k in range(6)]
    squares = {place: float(gradient_at(values, place).square().sum()) for place in places}
    floor = 0.1 * sum(squares.values()) / len(squares)
    found = edge_directions(values[None, None])[0]
    for place in [(0, 0, 0), (3, 4, 2), (6, 7, 5), (1, 6, 3)]:
        near = [one for one in places if all(abs(a - b) <= 2 for a, b in zip(one, place, strict=True))]
        around = sum(squares[one] for one in near) / len(near)
        x, y, z = (gradient_at(values, place) / math.sqrt(squares[place] + around + floor)).tolist()
        root = math.sqrt(2)
        wanted = torch.tensor([x * x, y * y, z * z, root * x * y, root * x * z, root * y * z])
        torch.testing.assert_close(found[(slice(None), *place)], wanted, atol=1e-5, rtol=1e-4)


def test_edges_do_not_know_bright_from_dark_nor_strong_from_weak():
    values = image(1)
    for other in (-values, 3 * values + 100, 0.01 * values):
        torch.testing.assert_close(edge_directions(other), edge_directions(values), atol=2e-4, rtol=1e-3)


def test_the_inner_product_of_two_voxels_is_the_squared_cosine_of_their_edges():
    ramps = torch.stack(
        [torch.arange(9.0).view(9, 1, 1).expand(9, 9, 9), torch.arange(9.0).view(1, 9, 1).expand(9, 9, 9)]
    )
    slanted = ramps.sum(0)
    along, across, between = (edge_directions(one[None, None])[0, :, 4, 4, 4] for one in (*ramps, slanted))
    assert float(along @ across) == pytest.approx(0, abs=1e-6)
    assert float(along @ between) / float(along.norm() * between.norm()) == pytest.approx(0.5, rel=1e-4)


def test_an_even_image_has_no_edges():
    assert not edge_directions(torch.full((1, 1, 6, 6, 6), 4.0)).any()


def test_self_similarity_equals_the_slow_reference():
    values = image(2)[0, 0]
    shape = values.shape
    inside = lambda place: all(0 <= x < size for x, size in zip(place, shape, strict=True))  # noqa: E731

    def unlike(place: tuple[int, ...], axis: int) -> float:
        """Mean squared difference of the 3 x 3 x 3 around a voxel from that around the next voxel along an axis."""
        total, count = 0.0, 0
        for offset in torch.cartesian_prod(*[torch.arange(-1, 2)] * 3).tolist():
            here = tuple(a + b for a, b in zip(place, offset, strict=True))
            if inside(here):
                there = tuple(x + (n == axis) for n, x in enumerate(here))
                total += float((values[there] - values[here]) ** 2) if inside(there) else 0.0
                count += 1
        return total / count

    def six(place: tuple[int, ...]) -> list[float]:
        found = []
        for axis in range(3):
            before = tuple(x - (n == axis) for n, x in enumerate(place))
            found += [unlike(place, axis), unlike(before, axis) if inside(before) else 0.0]
        return found

    every = [six((i, j, k)) for i in range(shape[0]) for j in range(shape[1]) for k in range(shape[2])]
    floor = 0.05 * sum(sum(one) / 6 for one in every) / len(every)
    found = self_similarity(values[None, None])[0]
    for place in [(3, 3, 3), (0, 5, 1), (6, 7, 5)]:
        distances = torch.tensor(six(place))
        wanted = torch.exp(-(distances - distances.min()) / max(float(distances.mean()), floor))
        torch.testing.assert_close(found[(slice(None), *place)], wanted, atol=1e-5, rtol=1e-4)


def test_the_middle_is_cut_out_and_filled_up():
    values = torch.arange(5.0).view(1, 1, 5, 1, 1).expand(1, 1, 5, 2, 4)
    assert middle(values, (3, 2, 4))[0, 0, :, 0, 0].tolist() == [1, 2, 3]
    assert middle(values, (8, 2, 4))[0, 0, :, 0, 0].tolist() == [0, 0, 1, 2, 3, 4, 4, 4]
    assert middle(values, (5, 4, 3)).shape == (1, 1, 5, 4, 3)


@pytest.mark.parametrize("name", ["structure-3d", "posed-3d"])
def test_the_same_channel_twice_is_that_channel(name):
    context = {"spatial_dims": 3, "embedding_dim": 8}
    one, two = (registry().build("encoder", Spec(name), in_channels=channels, **context) for channels in (1, 2))
    two.load_state_dict(one.state_dict())
    images = image(shape=(16, 18, 16))
    with torch.no_grad():
        torch.testing.assert_close(two.eval()(images.repeat(1, 2, 1, 1, 1)), one.eval()(images), atol=1e-4, rtol=1e-4)
