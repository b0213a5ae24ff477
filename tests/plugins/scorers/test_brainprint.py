from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from mlfp.errors import ParameterError

pytest.importorskip("lapy", reason="of the extra 'spectrum', which 'dev' has too")

from lapy import TriaMesh
from mlfp_plugins.scorers.brainprint import BrainPrint, surface, tissues


def ball(radius: float, side: int = 40, stretch: tuple[float, float, float] = (1, 1, 1)) -> np.ndarray:
    axes = np.meshgrid(*[np.arange(side) - (side - 1) / 2] * 3, indexing="ij")
    inside: np.ndarray = sum((axis / factor) ** 2 for axis, factor in zip(axes, stretch, strict=True)) <= radius**2
    return inside


def scan(stretch: tuple[float, float, float]) -> Tensor:
    """``(1, 1, 40, 40, 40)``: an ellipsoid of value 1 with another of value 2 in it."""
    values = ball(14, stretch=stretch) + 1.0 * ball(7, stretch=stretch[::-1])
    return torch.from_numpy(values[None, None].astype(np.float32))


def test_the_spectrum_of_a_ball_is_that_of_the_sphere() -> None:
    """The eigenvalues of the unit sphere are n (n + 1), each 2 n + 1 times; its area is 4 pi."""
    found = BrainPrint(eigenvalues=15)._spectrum(ball(15), np.ones(3)) * np.arange(1, 16) / (4 * np.pi)
    np.testing.assert_allclose(found, [2] * 3 + [6] * 5 + [12] * 7, rtol=0.025)


@pytest.mark.parametrize("normalize", [True, False])
def test_size_tells_nothing_unless_asked(normalize: bool) -> None:
    scorer = BrainPrint(normalize=normalize)
    small, large = (scorer._spectrum(ball(15), np.full(3, step)) for step in (1.0, 2.0))
    np.testing.assert_allclose(large, small / (1 if normalize else 4), rtol=1e-6)


def test_voxels_have_their_size() -> None:
    """A ball in voxels of 2 mm along one axis, half as many there."""
    squeezed = ball(16, stretch=(0.5, 1, 1))
    found = BrainPrint(eigenvalues=8)._spectrum(squeezed, np.array([2.0, 1.0, 1.0]))
    round_one = BrainPrint(eigenvalues=8)._spectrum(ball(16), np.ones(3))
    np.testing.assert_allclose(found, round_one, rtol=0.05)
    assert abs(BrainPrint(eigenvalues=8)._spectrum(squeezed, np.ones(3)) / round_one - 1).max() > 0.2


def test_the_surface_is_closed_and_holds_the_voxels() -> None:
    mask = ball(5, side=16, stretch=(1, 1.2, 0.8))
    mesh = TriaMesh(*surface(mask))
    assert mesh.is_closed()
    assert mesh.is_oriented()
    assert mesh.volume() == pytest.approx(mask.sum())


def test_tissues_are_the_head_and_its_classes_from_dark_to_bright() -> None:
    whole, dark, bright = tissues(scan((1, 1, 1))[0, 0].numpy(), 2)
    assert np.array_equal(whole, ball(14))
    assert (bright & ~ball(7)).sum() == 0
    assert bright.sum() > 0.9 * ball(7).sum()
    assert (dark & ball(7)).sum() < 0.05 * dark.sum()


def test_a_head_is_found_wherever_it_lies() -> None:
    """Turned by right angles and moved, it is the same; another shape is not."""
    first, second = scan((1, 1.2, 0.8)), scan((1, 1.1, 0.9))
    scorer = BrainPrint(classes=2)
    moved = first.permute(0, 1, 4, 2, 3).flip(2).roll(2, dims=3)
    described = scorer.describe(torch.cat([first, moved, second]))
    scores = scorer.score(described, described)
    assert scores[0, 1] > 0.1 * scores[0, 2]


def test_no_tissue_has_a_number() -> None:
    described = BrainPrint().describe(torch.cat([torch.zeros(1, 1, 20, 20, 20), torch.ones(1, 1, 20, 20, 20)]))
    assert described.isfinite().all()
    assert not described[0, 30:].any()


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ParameterError, match="takes volumes"):
        BrainPrint().describe(torch.zeros(1, 1, 20, 20))
    with pytest.raises(ParameterError, match="eigenvalues should be 1 or more"):
        BrainPrint(eigenvalues=0).describe(torch.zeros(1, 1, 20, 20, 20))
