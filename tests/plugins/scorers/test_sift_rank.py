from __future__ import annotations

import numpy as np
import pytest
import torch
from mlfp_plugins.scorers.sift_rank import SIFTRank
from mlfp_plugins.sift.extract import Features, features
from mlfp_plugins.sift.matching import present
from scipy import ndimage
from torch import Tensor

from mlfp.errors import ParameterError

#: 2 ** k + 1 samples: the first and the last are kept by every octave, so that none prefers a side.
SIDE = 65


def scan(seed: int, side: int = SIDE, dims: int = 3, margin: int = 3) -> np.ndarray:
    """A textured ball in air."""
    texture = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(side,) * dims), 2.0)
    axes = np.meshgrid(*[np.arange(side) - (side - 1) / 2] * dims, indexing="ij")
    inside = sum(axis**2 for axis in axes) <= (side / 2 - margin) ** 2
    return (inside * (2 + texture / texture.std())).astype(np.float32)


def found(image: np.ndarray, **parameters: bool) -> Features:
    settings = {"oriented": False, "double": False, **parameters}
    return features(image, count=1000, contrast=0.02, corner=0.0, reach=3.0, **settings)


def images(count: int, dims: int = 3, side: int = SIDE) -> Tensor:
    return torch.from_numpy(np.stack([scan(seed, side, dims) for seed in range(count)]))[:, None]


def test_keypoints_move_with_the_image() -> None:
    """By a multiple of the coarsest octave's step, nothing else changes at all."""
    still = np.pad(scan(0), ((16, 32),) * 3)
    moved = np.roll(still, (16, 0, 8), axis=(0, 1, 2))
    one, other = found(still), found(moved)
    assert len(one.scales) == len(other.scales) > 20
    np.testing.assert_allclose(other.places, one.places + np.array([16, 0, 8]), atol=0.05)
    np.testing.assert_allclose(other.scales, one.scales, rtol=1e-3)
    np.testing.assert_allclose(np.sum(one.descriptors * other.descriptors, axis=1), 1, atol=0.01)


@pytest.mark.parametrize("axes", [(0, 1), (1, 2), (2, 0)])
@pytest.mark.parametrize("oriented", [False, True])
def test_keypoints_turn_with_the_image_and_oriented_descriptors_do_not_change(
    axes: tuple[int, int], oriented: bool
) -> None:
    image = scan(1)
    turned = np.ascontiguousarray(np.rot90(image, 1, axes))
    one, other = found(image, oriented=oriented), found(turned, oriented=oriented)
    back = other.places.copy()
    back[:, axes[0]], back[:, axes[1]] = other.places[:, axes[1]], SIDE - 1 - other.places[:, axes[0]]
    apart = np.linalg.norm(one.places[:, None] - back, axis=2) + np.abs(one.scales[:, None] - other.scales)
    assert len(one.scales) > 20
    assert (apart.min(axis=1) < 0.01).mean() > 0.97
    alike = np.where(apart < 0.01, one.descriptors @ other.descriptors.T, -1).max(axis=1)
    if oriented:
        assert (alike > 0.97).mean() > 0.9
    else:
        assert (alike > 0.97).mean() < 0.1


@pytest.mark.parametrize("dims", [2, 3])
def test_brightness_and_contrast_do_not_matter(dims: int) -> None:
    image = scan(2, dims=dims)
    one, other = found(image, double=dims == 2), found(7 * image - 300, double=dims == 2)
    assert len(one.scales) == len(other.scales) > 3
    np.testing.assert_allclose(other.places, one.places, atol=0.01)
    assert np.sum(one.descriptors * other.descriptors, axis=1).min() > 0.98


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("oriented", [False, True])
def test_a_scan_that_was_moved_is_found(dims: int, oriented: bool) -> None:
    side = 129 if dims == 2 else SIDE
    gallery = images(5, dims, side)
    turn = np.eye(dims)
    turn[:2, :2] = [[0.985, -0.174], [0.174, 0.985]]  # 10 degrees
    centre = (side - 1) / 2 * np.ones(dims)
    offset = centre - turn @ centre + 1.3
    moved = [ndimage.affine_transform(image, turn, offset, order=1) for image in gallery[:, 0].numpy()]
    queries = torch.from_numpy(np.stack(moved))[:, None]
    scorer = SIFTRank(oriented=oriented, double=dims == 2)
    scores = scorer.score(scorer.describe(queries), scorer.describe(gallery))
    assert scores.argmax(dim=1).tolist() == [0, 1, 2, 3, 4]
    others = scores[~torch.eye(5, dtype=bool)]
    assert scores.diag().min() > 2 * others.max()


def test_an_image_is_like_itself_and_a_pair_is_the_same_both_ways() -> None:
    scorer = SIFTRank(double=False)
    described = scorer.describe(images(4))
    scores = scorer.score(described, described)
    torch.testing.assert_close(scores.diag(), torch.ones(4), atol=1e-3, rtol=0)
    torch.testing.assert_close(scores, scores.T, atol=1e-6, rtol=0)
    assert scorer.symmetric


def test_a_negative_is_not_recognised() -> None:
    """Where intensities swap, gradients point the other way: what SIFT-Rank cannot see through."""
    scorer = SIFTRank(double=False)
    described = scorer.describe(torch.cat([images(1), -images(1)]))
    assert scorer.score(described, described)[0, 1] < 0.1


def test_an_image_without_keypoints_is_like_nothing() -> None:
    scorer = SIFTRank(double=False)
    described = scorer.describe(torch.cat([torch.zeros(1, 1, SIDE, SIDE, SIDE), images(1)]))
    assert len(present(described[0])) == 0
    assert scorer.score(described, described)[0].tolist() == [0, 0]


@pytest.mark.parametrize("shape", [(4, 40, 40), (3, 3), (12, 1, 12)])
def test_images_too_small_for_an_octave_have_no_keypoints(shape: tuple[int, ...]) -> None:
    image = torch.rand(1, 1, *shape, generator=torch.Generator().manual_seed(0))
    assert not SIFTRank(double=False).describe(image).any()


def test_the_strongest_keypoints_are_kept_of_all_channels_together() -> None:
    """Channels with one range of values: what each of them brings, by strength."""
    both = images(2).transpose(0, 1)
    few, many = (SIFTRank(keypoints=count, double=False).describe(both) for count in (10, 1000))
    apart = SIFTRank(keypoints=1000, double=False).describe(both.transpose(0, 1))
    assert few.shape == (1, 10, 70)
    assert len(present(few[0])) == 10
    assert len(present(many[0])) == sum(len(present(rows)) for rows in apart)
    places = {tuple(row) for row in present(many[0])[:, 3:6].tolist()}
    assert {tuple(row) for row in few[0, :, 3:6].tolist()} <= places


@pytest.mark.parametrize(
    ("scorer", "key"),
    [
        (SIFTRank(keypoints=0), "keypoints"),
        (SIFTRank(contrast=-0.1), "contrast"),
        (SIFTRank(corner=1.0), "corner"),
        (SIFTRank(reach=0.0), "reach"),
        (SIFTRank(bandwidth=-1.0), "bandwidth"),
        (SIFTRank(binary="/nowhere/featExtract"), "binary"),
    ],
)
def test_what_cannot_be_is_refused(scorer: SIFTRank, key: str) -> None:
    with pytest.raises(ParameterError) as caught:
        scorer.describe(torch.zeros(1, 1, 12, 12, 12))
    assert caught.value.key == (key,)
