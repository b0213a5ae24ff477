from __future__ import annotations

import math

import pytest
import torch
from mlfp_plugins.encoders.posed_3d import CANONICAL_SHAPE, CANONICAL_SPACING
from mlfp_plugins.encoders.poses import grid_mm, matrix_of, mean_of, read

from mlfp.errors import ParameterError
from mlfp.plugins import registry
from mlfp.types.spec import Spec


def build(**parameters):
    context = {"in_channels": 1, "spatial_dims": 3, "embedding_dim": 16}
    return registry().build("encoder", Spec("posed-3d", parameters), **context).eval()


def ball(
    middle: tuple[float, float, float], shape: tuple[int, ...] = (64, 80, 64), spacing: float = 3.0
) -> torch.Tensor:
    return (40 - (grid_mm(shape, spacing) - torch.tensor(middle)).norm(dim=-1)).clamp(0, 10)[None, None]


def test_a_quarter_turn_about_the_last_axis():
    matrix = matrix_of(torch.tensor([[0, 0, math.pi / 2]]), torch.tensor([math.log(2)]), torch.tensor([[1.0, 2, 3]]))
    moved = matrix[0] @ torch.tensor([10.0, 0, 0, 1])
    torch.testing.assert_close(moved, torch.tensor([1.0, 22, 3, 1]), atol=1e-4, rtol=0)


def test_turns_keep_lengths_and_sizes_change_them():
    numbers = torch.randn(5, 7, generator=torch.Generator().manual_seed(0))
    matrix = matrix_of(numbers[:, :3], numbers[:, 3] * 0.1, numbers[:, 4:])
    square = matrix[:, :3, :3] @ matrix[:, :3, :3].mT
    wanted = torch.eye(3) * (0.2 * numbers[:, 3]).exp().view(-1, 1, 1)
    torch.testing.assert_close(square, wanted, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(matrix_of(torch.zeros(1, 3), torch.zeros(1), torch.zeros(1, 3))[0], torch.eye(4))


def test_reading_in_a_pose_brings_what_lies_there_to_the_middle():
    pose = matrix_of(torch.zeros(1, 3), torch.zeros(1), torch.tensor([[12.0, -9.0, 6.0]]))
    seen = read(ball((12, -9, 6)), 3.0, pose, grid_mm((20, 20, 20), 3.0))
    torch.testing.assert_close(seen, ball((0, 0, 0), (20, 20, 20)), atol=1e-4, rtol=0)
    beyond = read(torch.ones(1, 1, 4, 4, 4), 3.0, torch.eye(4)[None], grid_mm((1, 1, 9), 6.0))
    assert beyond[0, 0, 0, 0].tolist()[0] == beyond[0, 0, 0, 0].tolist()[-1] == 0


def test_before_it_has_learnt_it_leaves_heads_as_they_lie():
    encoder = build(places=0)
    torch.testing.assert_close(encoder.find(ball((5, 0, 0))), torch.eye(4)[None])


def test_the_fingerprint_is_that_of_the_upright_image():
    encoder = build(rounds=1, places=0)
    with torch.no_grad():  # a network that has learnt that every head lies 12 mm to the right
        encoder.looks[0].head[-1].bias[4] = 12.0 / 20.0
    image = ball((12, 0, 0))
    upright = read(image, 3.0, encoder.find(image), grid_mm(CANONICAL_SHAPE, CANONICAL_SPACING))
    torch.testing.assert_close(encoder(image), encoder.eye(upright))
    torch.testing.assert_close(upright, ball((0, 0, 0), CANONICAL_SHAPE, CANONICAL_SPACING), atol=1.0, rtol=0)


def test_the_value_of_air_does_not_matter():
    encoder = build()
    torch.testing.assert_close(encoder(ball((5, 0, 0)) - 3), encoder(ball((5, 0, 0))), atol=1e-4, rtol=1e-4)


def test_the_mean_of_turns_to_either_side_is_none():
    numbers = torch.tensor([[0.0, 0.1, 0.3]])
    both = [matrix_of(sign * numbers, torch.tensor([0.2]), 3 * sign * numbers) for sign in (1, -1)]
    torch.testing.assert_close(mean_of(both)[0, :3, 3], torch.zeros(3))
    square = mean_of(both)[0, :3, :3]
    torch.testing.assert_close(square, torch.eye(3) * square[0, 0], atol=1e-6, rtol=0)
    torch.testing.assert_close(mean_of([both[0]] * 3), both[0], atol=1e-6, rtol=1e-6)


def test_places_are_where_the_closer_look_begins():
    calls = []
    encoder = build(rounds=1, places=3)
    encoder.looks[1].register_forward_hook(lambda *_: calls.append(1))
    encoder.find(ball((5, 0, 0)))
    assert len(calls) == 4


def test_with_neither_rounds_nor_places_the_head_is_looked_at_as_it_lies():
    encoder = build(rounds=0, places=0)
    with torch.no_grad():
        encoder.looks[0].head[-1].bias[4] = 12.0 / 20.0
    torch.testing.assert_close(encoder.find(ball((12, 0, 0))), torch.eye(4)[None])


@pytest.mark.parametrize("wrong", [{"rounds": -1}, {"places": -1}])
def test_counts_are_not_negative(wrong):
    with pytest.raises(ParameterError, match="negative"):
        build(**wrong)


def test_spacing_is_above_nought():
    with pytest.raises(ParameterError, match="above 0"):
        build(spacing=0.0)
