from __future__ import annotations

import numpy as np
import pytest
import torch
from mlfp_plugins.scorers.histogram import Histogram
from scipy.stats import wasserstein_distance
from torch import Tensor

from mlfp.errors import ParameterError


def heads(levels: list[float], *, radius: float = 12, shift: int = 0, seed: int = 0) -> Tensor:
    """``(B, 1, 40, 40)`` discs of noise about a level, on air."""
    axes = np.meshgrid(*[np.arange(40) - 19.5 - shift] * 2, indexing="ij")
    noise = np.random.default_rng(seed).normal(size=(len(levels), 1, 40, 40))
    inside = axes[0] ** 2 + axes[1] ** 2 <= radius**2
    return torch.from_numpy(inside * (np.array(levels).reshape(-1, 1, 1, 1) + 0.1 * noise)).float()


def test_it_is_the_earth_movers_distance() -> None:
    """Exactly, where every pixel is a quantile."""
    images = torch.randn(3, 1, 8, 16, generator=torch.Generator().manual_seed(0))
    scorer = Histogram(quantiles=128, inside=False)
    # numpy's quantiles lie between pixels but for these; sorted pixels are the distribution itself.
    described = images.flatten(1).sort(dim=1).values
    scores = scorer.score(described, described)
    pixels = images.flatten(1).numpy()
    expected = [[-wasserstein_distance(one, other) for other in pixels] for one in pixels]
    np.testing.assert_allclose(scores.numpy(), expected, atol=1e-5)
    close = scorer.describe(images)
    np.testing.assert_allclose(scorer.score(close, close).numpy(), expected, atol=0.02)


def test_places_do_not_matter() -> None:
    image = heads([1.0])
    described = Histogram().describe(torch.cat([image, image.flip(2), image.roll(5, dims=3)]))
    assert torch.equal(described[0], described[1])
    assert torch.equal(described[0], described[2])


def test_the_size_of_the_head_is_told_with_the_air_only() -> None:
    small, large, other = heads([1.0], radius=9), heads([1.0], radius=14, seed=1), heads([1.2], radius=9, seed=2)
    for inside, nearest in ((True, 1), (False, 2)):
        scorer = Histogram(inside=inside)
        described = scorer.describe(torch.cat([small, large, other]))
        assert int(scorer.score(described[:1], described[1:]).argmax()) + 1 == nearest


def test_channels_have_histograms_of_their_own() -> None:
    pair = torch.cat([heads([1.0]), heads([2.0])], dim=1)
    described = Histogram().describe(torch.cat([pair, pair.flip(1)]))
    assert Histogram().score(described, described)[0, 1] < -0.9


def test_an_empty_image_has_a_number() -> None:
    described = Histogram().describe(torch.cat([torch.zeros(1, 1, 40, 40), heads([1.0])]))
    assert Histogram().score(described, described).isfinite().all()


def test_no_quantiles_are_refused() -> None:
    with pytest.raises(ParameterError, match="1 or more"):
        Histogram(quantiles=0).describe(heads([1.0]))
