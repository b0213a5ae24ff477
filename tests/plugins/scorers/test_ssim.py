from __future__ import annotations

import numpy as np
import pytest
import torch
from mlfp_plugins.scorers.ssim import SSIM
from scipy.ndimage import gaussian_filter
from skimage.metrics import structural_similarity
from torch import Tensor

from mlfp.errors import ParameterError

SHAPES = [(1, 64, 48), (3, 24, 31), (1, 12, 20, 17), (2, 9, 8, 11)]


def images(shape: tuple[int, ...], count: int = 4, *, level: float = 0.0) -> Tensor:
    """Pictures with structure: smoothed noise of different contrast, at a level."""
    rng = np.random.default_rng(0)
    smooth = [gaussian_filter(rng.normal(size=shape), (0, *[2] * (len(shape) - 1))) for _ in range(count)]
    return torch.from_numpy(np.stack([level + (1 + place) * image for place, image in enumerate(smooth)])).float()


def of_peers(queries: Tensor, gallery: Tensor, data_range: float | None, window: int) -> np.ndarray:
    """scikit-image's, in float64, over the range that the two span."""
    scores = np.empty((len(queries), len(gallery)))
    for q, query in enumerate(queries.double().numpy()):
        for g, other in enumerate(gallery.double().numpy()):
            reach = data_range or max(query.max(), other.max()) - min(query.min(), other.min())
            scores[q, g] = structural_similarity(query, other, win_size=window, data_range=reach, channel_axis=0)
    return scores


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("data_range", "window", "level"), [(None, 7, 0.0), (5.0, 7, 100.0), (None, 3, -2.0)])
def test_it_equals_scikit_image(
    shape: tuple[int, ...], compiled: bool, data_range: float | None, window: int, level: float
) -> None:
    given = images(shape, level=level)
    scorer = SSIM(window=window, data_range=data_range, compiled=compiled)
    described = scorer.describe(given)
    found = scorer.score(described[:2], described).numpy()
    np.testing.assert_allclose(found, of_peers(given[:2], given, data_range, window), atol=3e-5)


def test_it_equals_scikit_image_on_a_full_size_picture() -> None:
    given = images((1, 512, 400), 2)
    described = SSIM().describe(given)
    np.testing.assert_allclose(
        SSIM().score(described[:1], described).numpy(), of_peers(given[:1], given, None, 7), atol=1e-5
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_torch_gives_the_compiled_numbers(shape: tuple[int, ...]) -> None:
    described = SSIM().describe(images(shape, 5, level=10.0))
    compiled, plain = (SSIM(compiled=choice).score(described, described) for choice in (True, False))
    torch.testing.assert_close(compiled, plain, atol=1e-5, rtol=0)


def test_an_image_is_like_itself_and_a_pair_is_the_same_both_ways() -> None:
    described = SSIM().describe(images((1, 40, 40), 5))
    scores = SSIM().score(described, described)
    torch.testing.assert_close(scores.diag(), torch.ones(5))
    torch.testing.assert_close(scores, scores.T)


def test_images_without_contrast_have_a_number() -> None:
    described = SSIM().describe(torch.stack([torch.zeros(1, 16, 16), torch.zeros(1, 16, 16), torch.ones(1, 16, 16)]))
    scores = SSIM().score(described, described)
    assert scores[0, 1] == 1
    assert scores.isfinite().all()


def test_any_number_of_threads_gives_the_same() -> None:
    described = SSIM().describe(images((1, 40, 40), 5))
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        several = SSIM().score(described[:1], described)
    finally:
        torch.set_num_threads(threads)
    torch.testing.assert_close(several, SSIM().score(described, described)[:1], atol=0, rtol=0)


def test_large_images_are_averaged_down_when_asked() -> None:
    given = images((1, 64, 32), 2)
    small = torch.nn.functional.avg_pool2d(given, 2)
    torch.testing.assert_close(SSIM(size=32).describe(given), SSIM().describe(small))
    torch.testing.assert_close(SSIM(size=64).describe(given), SSIM().describe(given))


@pytest.mark.parametrize(
    ("scorer", "key"), [(SSIM(window=6), "window"), (SSIM(window=11), "window"), (SSIM(data_range=0.0), "data_range")]
)
def test_what_cannot_be_is_refused(scorer: SSIM, key: str) -> None:
    with pytest.raises(ParameterError) as caught:
        scorer.describe(torch.zeros(1, 1, 10, 30))
    assert caught.value.key == (key,)
