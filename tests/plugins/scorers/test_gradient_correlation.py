from __future__ import annotations

import numpy as np
import torch
from mlfp_plugins.scorers.gradient_correlation import GradientCorrelation


def test_it_equals_numpy() -> None:
    images = torch.randn(4, 1, 9, 8, generator=torch.Generator().manual_seed(0))
    ends = np.pad(images[:, 0].numpy(), ((0, 0), (1, 1), (1, 1)), mode="edge")
    rows, columns = ends[:, 2:, 1:-1] - ends[:, :-2, 1:-1], ends[:, 1:-1, 2:] - ends[:, 1:-1, :-2]
    expected = np.corrcoef(np.hypot(rows, columns).reshape(4, -1))
    scorer = GradientCorrelation()
    described = scorer.describe(images)
    np.testing.assert_allclose(scorer.score(described, described).numpy(), expected, atol=1e-4)


def test_a_negative_is_the_same() -> None:
    image = torch.rand(1, 1, 6, 7, 8, generator=torch.Generator().manual_seed(0))
    scorer = GradientCorrelation()
    described = scorer.describe(torch.cat([image, 5 - 3 * image]))
    torch.testing.assert_close(scorer.score(described, described), torch.ones(2, 2), atol=1e-4, rtol=0)
