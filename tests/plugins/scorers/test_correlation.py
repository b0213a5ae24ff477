from __future__ import annotations

import numpy as np
import pytest
import torch
from mlfp_plugins.scorers.correlation import Correlation


@pytest.mark.parametrize("shape", [(1, 12, 9), (2, 5, 6, 7)])
def test_it_equals_numpy(shape: tuple[int, ...]) -> None:
    images = torch.randn(6, *shape, generator=torch.Generator().manual_seed(0)) * 3 + 1000
    described = Correlation().describe(images)
    expected = np.corrcoef(images.flatten(1).double().numpy())
    np.testing.assert_allclose(Correlation().score(described[:4], described).numpy(), expected[:4], atol=1e-5)


def test_brightness_and_contrast_do_not_matter_and_a_negative_is_the_opposite() -> None:
    image = torch.randn(1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    described = Correlation().describe(torch.cat([image, 5 * image + 7, -image]))
    torch.testing.assert_close(Correlation().score(described[:1], described), torch.tensor([[1.0, 1.0, -1.0]]))


def test_an_image_without_contrast_is_like_nothing() -> None:
    described = Correlation().describe(torch.stack([torch.full((1, 9, 9), 0.1), torch.eye(9)[None]]))
    assert Correlation().score(described, described)[0].tolist() == [0, 0]


def test_large_images_are_averaged_down_when_asked() -> None:
    images = torch.randn(3, 1, 8, 8, 8, generator=torch.Generator().manual_seed(0))
    small = torch.nn.functional.avg_pool3d(images, 2)
    torch.testing.assert_close(Correlation(size=4).describe(images), Correlation().describe(small))
