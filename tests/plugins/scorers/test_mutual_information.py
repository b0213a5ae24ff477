from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mlfp_plugins.scorers.mutual_information import MutualInformation
from sklearn.metrics import mutual_info_score, normalized_mutual_info_score
from torch import Tensor

from mlfp.errors import ParameterError


def images(count: int, *shape: int, seed: int = 0) -> Tensor:
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(seed)).cumsum(-1)


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("shape", [(1, 23, 31), (2, 9, 8, 7)])
@pytest.mark.parametrize(("normalized", "peer"), [(False, mutual_info_score), (True, normalized_mutual_info_score)])
def test_it_is_scikit_learns_on_the_bins(shape: tuple[int, ...], compiled: bool, normalized: bool, peer) -> None:
    scorer = MutualInformation(bins=16, normalized=normalized, compiled=compiled)
    described = scorer.describe(images(5, *shape))
    found = scorer.score(described[:3], described)
    expected = [[peer(one.numpy(), other.numpy()) for other in described] for one in described[:3]]
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-6)


@settings(deadline=None, max_examples=30)
@given(st.integers(2, 256), st.integers(1, 40), st.integers(0, 99))
def test_any_bins_and_any_number_of_pixels(bins: int, width: int, seed: int) -> None:
    given_images = images(2, 1, 3, width, seed=seed)
    described = MutualInformation(bins=bins).describe(given_images)
    compiled, plain = (MutualInformation(bins=bins, compiled=choice) for choice in (True, False))
    torch.testing.assert_close(compiled.score(described, described), plain.score(described, described))


def test_bins_are_those_of_numpys_histogram() -> None:
    image = images(1, 1, 40, 40)
    counts = torch.bincount(MutualInformation(bins=20).describe(image)[0].long(), minlength=20)
    assert counts.tolist() == np.histogram(image.double().numpy(), bins=20)[0].tolist()


def test_contrast_does_not_matter_and_noise_tells_nothing() -> None:
    one = torch.linspace(0, 1, 64 * 64).reshape(1, 1, 64, 64)[
        ..., torch.randperm(64, generator=torch.Generator().manual_seed(0))
    ]
    noise = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(1))
    described = MutualInformation().describe(torch.cat([one, 5 - 3 * one, noise]))
    scores = MutualInformation().score(described[:1], described)[0]
    assert scores[0] == pytest.approx(1)
    assert scores[1] > 0.95
    assert scores[2] < 0.1


@pytest.mark.parametrize("normalized", [True, False])
def test_an_image_without_contrast_tells_nothing(normalized: bool) -> None:
    scorer = MutualInformation(normalized=normalized)
    described = scorer.describe(torch.cat([torch.full((2, 1, 8, 8), 3.0), images(1, 1, 8, 8)]))
    assert scorer.score(described[:2], described).tolist() == [[0, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize("bins", [1, 257])
def test_bins_that_cannot_be_are_refused(bins: int) -> None:
    with pytest.raises(ParameterError, match="2 to 256") as caught:
        MutualInformation(bins=bins).describe(images(1, 1, 8, 8))
    assert caught.value.key == ("bins",)
