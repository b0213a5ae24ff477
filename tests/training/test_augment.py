"""The chain: every row from its own key, one resampling, others' transforms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from mlfp.errors import ParameterError, UsageError
from mlfp.seeds import torch_generator
from mlfp.training.augment import AugmentationChain
from mlfp.training.draws import Draws, uniform
from mlfp.training.maps import resample
from mlfp.training.tones import background
from mlfp.types.spec import Spec

EVERYTHING = [
    Spec("identity-warp", {"probability": 0.7}),
    Spec("affine", {"probability": 0.7}),
    Spec("intensity"),
    Spec("bias-field", {"probability": 0.5}),
    Spec("noise", {"probability": 0.5}),
    Spec("field-of-view", {"probability": 0.5}),
]
SHAPES = {2: (6, 2, 24, 20), 3: (6, 1, 12, 14, 10)}


def batch(dims: int) -> Tensor:
    return torch.rand(SHAPES[dims], generator=torch_generator("batch", dims))


def chain(dims: int, specs: Sequence[Spec] = EVERYTHING) -> AugmentationChain:
    return AugmentationChain.build(specs, spatial_dims=dims, in_channels=1, spacing=(4.0,) * dims)


def keys(rows: Sequence[int]) -> dict[str, Any]:
    return {"keys": [(0, "augment", row) for row in rows], "subject_keys": [(0, "subject", row % 3) for row in rows]}


@pytest.mark.parametrize("dims", [2, 3])
def test_a_row_depends_on_its_keys_alone(dims: int) -> None:
    made = chain(dims)
    together = made(batch(dims), **keys(range(6)))
    for rows in ([4], [5, 0], [2, 3, 4]):
        torch.testing.assert_close(made(batch(dims)[rows], **keys(rows)), together[rows], atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("dims", [2, 3])
def test_the_number_of_threads_changes_nothing(dims: int) -> None:
    made, before = chain(dims), torch.get_num_threads()
    try:
        results = []
        for threads in (1, 3):
            torch.set_num_threads(threads)
            results.append(made(batch(dims), **keys(range(6))))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*results)


def test_other_keys_give_other_images_and_the_batch_stays() -> None:
    images = batch(3)
    kept = images.clone()
    first, second = (chain(3)(images, **keys(rows)) for rows in (range(6), range(6, 12)))
    assert all(not torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert torch.equal(images, kept)


def test_global_state_is_not_touched() -> None:
    before = torch.random.get_rng_state(), np.random.get_state()[1].copy()
    chain(2)(batch(2), **keys(range(6)))
    assert torch.equal(before[0], torch.random.get_rng_state())
    assert (before[1] == np.random.get_state()[1]).all()


def test_rows_that_nothing_changes_come_back_as_they_were() -> None:
    made = chain(3, [Spec("affine", {"probability": 0.0}), Spec("noise", {"probability": 0.0})])
    assert torch.equal(made(batch(3), **keys(range(6))), batch(3))
    some = chain(3, [Spec("affine", {"probability": 0.5})])(batch(3), **keys(range(6)))
    same = [torch.equal(a, b) for a, b in zip(some, batch(3), strict=True)]
    assert 0 < sum(same) < 6


def test_an_empty_chain_gives_a_copy() -> None:
    images = batch(2)
    made = AugmentationChain([])(images, **keys(range(6)))
    assert torch.equal(made, images)
    assert made.data_ptr() != images.data_ptr()


class Shift:
    """A stranger's augmentation: no draws of ours, no map."""

    scope = "view"

    def draw(self, generators: Sequence[Generator], batch: Tensor) -> Tensor:
        return (3 * uniform(generators, batch.ndim - 2)).round()

    def locate(self, points: Tensor, parameters: Tensor) -> Tensor:
        return points + parameters.view(len(points), *[1] * (points.ndim - 2), -1)


class Once:
    """Counts its draws."""

    scope = "subject"
    drawn = 0

    def draw(self, generators: Sequence[Generator], batch: Tensor) -> Draws:
        self.drawn += len(generators)
        return Draws(torch.ones(len(generators), dtype=torch.bool), {"add": uniform(generators, 1)})

    def apply(self, batch: Tensor, parameters: Draws) -> Tensor:
        return batch + parameters["add"].view(-1, *[1] * (batch.ndim - 1))


def test_neighbours_that_move_pixels_are_resampled_once() -> None:
    made = chain(3, EVERYTHING[:2])
    warp, affine = made.augmentations
    by_row = [(0, "augment", row) for row in range(6)]
    by_subject = [(0, "subject", row % 3) for row in range(6)]
    images = batch(3)
    first = warp.map(warp.draw([torch_generator(*key, 0) for key in by_subject], images))
    second = affine.map(affine.draw([torch_generator(*key, 1) for key in by_row], images))
    expected = resample(images, [second, first], background(images))
    torch.testing.assert_close(made(images, keys=by_row, subject_keys=by_subject), expected)


@pytest.mark.parametrize("dims", [2, 3])
def test_strangers_maps_mix_with_ours(dims: int) -> None:
    images = batch(dims)
    ours = chain(dims, [Spec("affine", {"rotate": 0, "shift": 0, "scale": 0})]).augmentations
    mixed = AugmentationChain([*ours, Shift()])(images, **keys(range(6)))
    moves = Shift().draw([torch_generator(0, "augment", row, 1) for row in range(6)], images).int()
    for row in range(6):
        expected = images[row].roll(tuple(-int(move) for move in moves[row]), tuple(range(1, dims + 1)))
        inner = (slice(None), *[slice(3, -3)] * dims)
        torch.testing.assert_close(mixed[row][inner], expected[inner])


def test_what_a_subject_shares_is_drawn_once() -> None:
    once, images = Once(), torch.zeros(6, 1, 4, 4)
    made = AugmentationChain([once])(images, **keys(range(6)))[:, 0, 0, 0]
    assert once.drawn == 3
    assert torch.equal(made[:3], made[3:])
    assert len(made.unique()) == 3


def test_transforms_of_one_sample_are_lent_a_stream() -> None:
    monai = pytest.importorskip("monai.transforms")
    torchvision = pytest.importorskip("torchvision.transforms.v2")
    made = AugmentationChain(
        [
            monai.RandGaussianNoise(prob=1.0),
            monai.RandFlip(prob=0.5),
            torchvision.RandomRotation(20),
            lambda image: image * float(np.random.random()),
        ]
    )
    state = torch.random.get_rng_state()
    first = made(batch(2), **keys(range(6)))
    assert type(first) is Tensor
    assert torch.equal(first, made(batch(2), **keys(range(6))))
    assert torch.equal(first[4:5], made(batch(2)[4:5], **keys([4])))
    assert not torch.equal(first, made(batch(2), **keys(range(6, 12))))
    assert torch.equal(state, torch.random.get_rng_state())


def test_a_transform_that_changes_the_shape_is_refused() -> None:
    with pytest.raises(UsageError, match=r"\(2, 12, 20\) of \(2, 24, 20\)"):
        AugmentationChain([lambda image: image[:, ::2]])(batch(2), **keys(range(6)))


def test_every_row_needs_a_key() -> None:
    with pytest.raises(UsageError, match="6 rows, but 5 keys"):
        AugmentationChain([])(batch(2), keys=[(0,)] * 5, subject_keys=[(0,)] * 6)


def test_what_is_no_augmentation_is_refused() -> None:
    with pytest.raises(ParameterError, match="int is no augmentation"):
        AugmentationChain([3])


@pytest.mark.parametrize(
    ("spec", "key"),
    [
        (Spec("affin"), (1, "use")),
        (Spec("affine", {"rotate": "much"}), (1, "rotate")),
        (Spec("affine", {"scale": 2}), (1, "scale")),
    ],
)
def test_mistakes_are_placed_in_the_configuration(spec: Spec, key: tuple[object, ...]) -> None:
    with pytest.raises(ParameterError) as caught:
        chain(2, [Spec("noise"), spec])
    assert caught.value.key == key


class Mark:
    """Adds what it is told to the rows of its view, and keeps what it was given to draw."""

    def __init__(self, views: str, amount: float) -> None:
        self.views, self.amount, self.rows = views, amount, 0

    def draw(self, generators: Sequence[Generator], batch: Tensor) -> Draws:
        self.rows += len(generators)
        return Draws(torch.ones(len(generators), dtype=torch.bool), {})

    def apply(self, batch: Tensor, parameters: Draws) -> Tensor:
        return batch + self.amount


def test_an_augmentation_may_be_for_one_view_alone() -> None:
    marks = [Mark("first", 1), Mark("both", 10), Mark("second", 100)]
    images = torch.zeros(6, 1, 4, 4)
    made = AugmentationChain(marks)(images, **keys(range(6)), views=[0, 0, 0, 1, 1, 1])
    assert made[:, 0, 0, 0].tolist() == [11, 11, 11, 110, 110, 110]
    assert [mark.rows for mark in marks] == [3, 6, 3]
    assert not images.any()
    assert AugmentationChain(marks)(images, **keys(range(6)))[:, 0, 0, 0].tolist() == [11] * 6


class Twice:
    """A preset with a preset."""

    def __init__(self, *steps: Any) -> None:
        self.steps = steps


def test_a_preset_is_its_steps_in_its_place() -> None:
    one, other = Spec("affine"), Spec("noise", {"probability": 1.0})
    flat = chain(2, [one, other, one]).augmentations
    nested = AugmentationChain([Twice(flat[0], Twice(flat[1])), flat[2]])
    assert nested.augmentations == flat
    assert torch.equal(nested(batch(2), **keys(range(6))), AugmentationChain(flat)(batch(2), **keys(range(6))))
