from __future__ import annotations

import numpy as np
import pytest
import torch
from mlfp_plugins.scorers.outline import Outline
from torch import Tensor

from mlfp.errors import ParameterError


def heads(radii: list[tuple[float, ...]], *, shift: int = 0, side: int = 40) -> Tensor:
    """``(B, 1, I, J[, K])`` ellipsoids of value 1 on nothing."""
    axes = np.meshgrid(*[np.arange(side) - (side - 1) / 2 - shift] * len(radii[0]), indexing="ij")
    inside = [sum((axis / radius) ** 2 for axis, radius in zip(axes, radius, strict=True)) <= 1 for radius in radii]
    return torch.from_numpy(np.stack(inside)[:, None].astype(np.float32))


@pytest.mark.parametrize("radii", [[(9, 13), (12, 10)], [(9, 13, 8), (12, 10, 11)]])
def test_it_sees_the_mask_only(radii: list[tuple[float, ...]]) -> None:
    """Whatever happens inside the head, noise or a negative, changes nothing at all."""
    masks = heads(radii)
    noise = torch.rand(masks.shape, generator=torch.Generator().manual_seed(0))
    plain = Outline().describe(masks)
    for inside in (0.4 + 0.6 * noise, 1000 * (1.5 - noise)):
        assert torch.equal(Outline().describe(masks * inside), plain)


def test_overlap_worked_by_hand() -> None:
    """Masks of 8 and 4 pixels, one within the other: 2 * 4 / 12. Centred on each other they overlap as much."""
    images = torch.zeros(2, 1, 10, 10)
    images[0, 0, 4:6, 3:7] = 1
    images[1, 0, 4:6, 4:6] = 1
    described = Outline().describe(images)
    torch.testing.assert_close(
        Outline().score(described, described), torch.tensor([[1, 2 / 3], [2 / 3, 1]]), atol=1e-6, rtol=0
    )


@pytest.mark.parametrize("radii", [[(9, 13), (12, 10)], [(9, 13, 8), (12, 10, 11)]])
def test_a_head_that_was_moved_is_found_by_its_shape(radii: list[tuple[float, ...]]) -> None:
    moved, still = Outline().describe(heads(radii, shift=5)), Outline().describe(heads(radii))
    scores = Outline().score(moved, still)
    assert scores.diag().min() > 0.99
    assert scores.argmax(dim=1).tolist() == [0, 1]


def test_a_head_that_lies_where_it_lay_is_found_there() -> None:
    """Two of one shape: only the place tells them apart."""
    both = torch.cat([heads([(9, 13)], shift=4), heads([(9, 13)], shift=-4)])
    described = Outline().describe(both)
    scores = Outline().score(described, described)
    torch.testing.assert_close(scores.diag(), torch.ones(2))


def test_channels_have_masks_of_their_own() -> None:
    """Slices as channels: the same two, the other way round, are another shape."""
    one, other = heads([(9, 13)]), heads([(12, 10)])
    described = Outline().describe(torch.cat([torch.cat([one, other], dim=1), torch.cat([other, one], dim=1)]))
    assert Outline().score(described, described)[0, 1] < 0.9


def test_an_empty_image_is_like_nothing() -> None:
    described = Outline().describe(torch.cat([torch.zeros(1, 1, 40, 40), heads([(9, 13)])]))
    assert Outline().score(described, described)[0].tolist() == [0, 0]


def test_a_size_below_one_is_refused() -> None:
    with pytest.raises(ParameterError, match="1 or more"):
        Outline(size=0).describe(heads([(9, 13)]))
