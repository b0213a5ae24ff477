from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from mlfp_plugins.scorers.cross_entropy import CrossEntropy
from scipy.stats import entropy

from mlfp.errors import ParameterError

BOTH = pytest.mark.parametrize("of", ["pixels", "histogram"])


def test_the_divergence_worked_by_hand() -> None:
    """p = (0, 1/4, 3/4), q = (0, 1/2, 1/2), each with an even tenth mixed in."""
    images = torch.tensor([[7.0, 8.0, 10.0], [0.0, 2.0, 2.0]]).reshape(2, 1, 1, 3)
    scorer = CrossEntropy(floor=0.1)
    described = scorer.describe(images)
    p, q = ([0.9 * share + 0.1 / 3 for share in shares] for shares in ((0, 1 / 4, 3 / 4), (0, 1 / 2, 1 / 2)))
    expected = sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))
    scores = scorer.score(described, described)
    assert float(scores[0, 1]) == pytest.approx(-expected, rel=1e-4)
    assert float(scores[0, 0]) == pytest.approx(0, abs=1e-6)


@BOTH
def test_it_equals_scipys_and_ranks_as_the_cross_entropy(of: str) -> None:
    images = torch.rand(5, 2, 9, 11, generator=torch.Generator().manual_seed(0)) ** 3
    scorer = CrossEntropy(of=of)  # type: ignore[arg-type]
    described = scorer.describe(images)
    shares = described.double().numpy()
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-5)
    scores = scorer.score(described, described).numpy()
    np.testing.assert_allclose(-scores, [[entropy(p, q) for q in shares] for p in shares], atol=1e-5)
    cross = -shares @ np.log(shares).T
    assert (np.argsort(-scores[0]) == np.argsort(cross[0])).all()


@BOTH
def test_brightness_and_a_factor_do_not_matter(of: str) -> None:
    image = torch.rand(1, 1, 8, 8, 8, generator=torch.Generator().manual_seed(0))
    scorer = CrossEntropy(of=of)  # type: ignore[arg-type]
    described = scorer.describe(torch.cat([image, 4 * image + 100]))
    torch.testing.assert_close(described[0], described[1], rtol=1e-3, atol=1e-4)


def test_a_histogram_forgets_places() -> None:
    image = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    scorer = CrossEntropy(of="histogram")
    described = scorer.describe(torch.cat([image, image.flip(2)]))
    assert torch.equal(described[0], described[1])
    pixels = CrossEntropy().describe(torch.cat([image, image.flip(2)]))
    assert CrossEntropy().score(pixels, pixels)[0, 1] < -0.1


@BOTH
def test_an_image_without_contrast_has_a_number(of: str) -> None:
    scorer = CrossEntropy(of=of)  # type: ignore[arg-type]
    described = scorer.describe(torch.stack([torch.full((1, 4, 4), 3.0), torch.eye(4)[None]]))
    assert scorer.score(described, described).isfinite().all()


@pytest.mark.parametrize(("scorer", "key"), [(CrossEntropy(floor=0.0), "floor"), (CrossEntropy(bins=1), "bins")])
def test_what_cannot_be_is_refused(scorer: CrossEntropy, key: str) -> None:
    with pytest.raises(ParameterError) as caught:
        scorer.describe(torch.zeros(1, 1, 4, 4))
    assert caught.value.key == (key,)
