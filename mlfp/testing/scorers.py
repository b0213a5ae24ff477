"""The contract of scorers."""

from __future__ import annotations

import torch
from torch import Tensor

from mlfp.interfaces.scorer import FittedScorer, Scorer
from mlfp.testing.contract import global_randomness_untouched, images, name_of, reported, require, same, table

_SHAPES = {2: (28, 24), 3: (16, 20, 14)}


def check_scorer(scorer: Scorer, *, spatial_dims: int) -> None:
    """Check a scorer against :mod:`mlfp.interfaces.scorer`.

    It is tried on 6 images of blobs with different insides, and the same moved up by 5 % in brightness.

    :param spatial_dims: 2 or 3.
    :raises ContractError: descriptions depend on the other images, or scores on the block they are computed in, have
        another shape, are not finite, or rank an image's own copy below others.
    """
    name = name_of(scorer)
    gallery = images(6, 1, _SHAPES[spatial_dims])
    # Blobs of unequal size (a blob ends at 0.8), so that also a scorer that sees the outline alone can tell them.
    axes = torch.meshgrid(*(torch.linspace(-1, 1, size) for size in gallery.shape[2:]), indexing="ij")
    radius = torch.stack(axes).abs().amax(0)
    limits = torch.linspace(0.35, 0.78, 6).view(-1, 1, *[1] * spatial_dims)
    gallery = gallery * (radius < limits)
    queries = gallery * 1.05
    with reported(name), global_randomness_untouched(name), torch.no_grad():
        if isinstance(scorer, FittedScorer):
            # Subject by subject, two scans of each.
            scorer.fit(torch.stack([gallery, queries], dim=1).flatten(0, 1), table(subjects=6, scans=2))
        asked, answers, alone = scorer.describe(queries), scorer.describe(gallery), scorer.describe(gallery[2:3])
        scores, block = scorer.score(asked, answers), scorer.score(asked[1:3], answers[2:5])
    require(isinstance(answers, Tensor) and len(answers) == 6, f"{name}.describe should give one row an image")
    require(same(answers[2:3].float(), alone.float()), f"{name}.describe: a description depends on the other images")
    require(tuple(scores.shape) == (6, 6), f"{name}.score should give (Q, G) = (6, 6), gave {tuple(scores.shape)}")
    require(scores.dtype == torch.float32, f"{name}.score should give float32, gave {scores.dtype}")
    require(bool(scores.isfinite().all()), f"{name} gives scores that are not finite")
    require(same(scores[1:3, 2:5], block), f"{name}.score: a score depends on the block that it is computed in")
    found = scores.argmax(1)
    require(
        torch.equal(found, torch.arange(6)), f"{name}: the images most alike should be the copies, are {found.tolist()}"
    )
    if getattr(scorer, "symmetric", False):
        with torch.no_grad():
            within = scorer.score(answers, answers)
        require(same(within, within.T), f"{name} says that it is symmetric, and its scores are not")
