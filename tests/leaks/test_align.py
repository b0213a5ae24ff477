"""Aligning: a known motion is found again, and tells one head from another's."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mlfp.data.small import reduced
from mlfp.errors import ScanError
from mlfp.leaks.align import align, mirrored_start, resampled
from mlfp.leaks.verify import Verified, compare, picture
from mlfp.plugins import registry
from mlfp.types.spec import Spec
from mlfp.types.volume import Volume


def head(seed: int, *, negative: bool = False, dims: int = 3) -> Volume:
    """An ellipsoid with blobs in it, that has no symmetry."""
    generator = np.random.default_rng(seed)
    shape = (40, 48, 40)[:dims]
    axes = np.meshgrid(*(np.linspace(-1, 1, size) for size in shape), indexing="ij")
    inside = sum((axis / 0.8) ** 2 for axis in axes) < 1
    pixels = np.full(shape, 0.5)
    for _ in range(30 if dims == 3 else 12):
        centre, width = generator.uniform(-0.6, 0.6, size=dims), generator.uniform(0.08, 0.2)
        distance = sum((axis - place) ** 2 for axis, place in zip(axes, centre, strict=True))
        pixels += generator.choice([-1, 1]) * 0.4 * np.exp(-distance / (2 * width**2))
    pixels = np.where(inside, 1.2 - pixels if negative else pixels, 0) * 100
    affine = np.diag([4.0] * dims + [1.0])
    return Volume(pixels[None].astype(np.float32), affine, f"{seed}")


def moved(volume: Volume, seed: int = 0) -> Volume:
    """Turned, shifted and scaled."""
    spec = Spec("move", {"rotate": 10, "shift": 10, "scale": 0.05, "seed": seed})
    found: Volume = registry().build("preprocessor", spec)(volume)
    return found


@pytest.mark.parametrize("dims", [2, 3])
def test_one_head_moved_and_inverted_fits_better_than_its_mirror_and_others_do_not(dims: int) -> None:
    torch.manual_seed(0)
    gains = {True: [], False: []}  # type: ignore[var-annotated]
    for seed in range(2 if dims == 3 else 1):
        one = reduced(head(seed, dims=dims))
        for other in (seed, seed + 10):
            two = reduced(moved(head(other, negative=True, dims=dims), seed))
            gains[other == seed].append(compare(one, two).gain)
    assert min(gains[True]) > 0.1
    assert max(gains[False]) < 0.5 * min(gains[True])


def test_the_overlay_lies_where_the_fixed_scan_does() -> None:
    one, two = reduced(head(1)), reduced(moved(head(1), 3))
    found = compare(one, two)
    still, other = (two, one) if found.swapped else (one, two)
    laid = resampled(picture(still), picture(other), torch.tensor(found.parameters)).numpy()
    mask = still.data[1] > 0.5
    before = np.corrcoef(still.data[0][mask], other.data[0][mask])[0, 1]
    after = np.corrcoef(still.data[0][mask], laid[mask])[0, 1]
    assert after > 0.95 > before
    assert found.correlation == pytest.approx(after, abs=0.05)
    assert not found.still
    assert found.near_duplicate, "a copy that was moved shows the same pixels"


def test_a_scan_over_itself_is_a_near_duplicate_that_lay_still() -> None:
    one = reduced(head(2))
    found = compare(one, one)
    assert found.correlation > 0.995
    assert found.still
    assert found.near_duplicate


def test_a_mirrored_start_lays_the_mirrored_scan_where_the_scan_lay() -> None:
    """Of a head that is its own mirror image, both fit alike."""
    volume = head(4)
    symmetric = volume.with_data((volume.data + volume.data[:, ::-1]) / 2)
    one, two = picture(reduced(symmetric)), picture(reduced(moved(symmetric, 5)))
    best = align(one, two)
    mirrored = align(one, two.mirrored(), start=mirrored_start(best.parameters, 3))
    assert mirrored.mutual == pytest.approx(best.mutual, rel=0.1)


def test_an_empty_scan_is_refused() -> None:
    with pytest.raises(ScanError, match="differs from the air"):
        reduced(Volume(np.zeros((1, 8, 8, 8), dtype=np.float32)))


def test_nothing_in_common_is_no_gain() -> None:
    nothing = Verified(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    assert nothing.gain == 0
