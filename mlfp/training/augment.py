"""A chain of augmentations on a batch: every row from its own generators, all moves of pixels in one resampling."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Generator, Tensor

from mlfp import plugins
from mlfp.errors import ParameterError, UsageError
from mlfp.interfaces.augmentation import SpatialAugmentation
from mlfp.seeds import Name, derive, seeded_globals, torch_generator
from mlfp.training.draws import Draws
from mlfp.training.maps import AffineMap, DisplacementMap, Map, centred_grid, resample, sample
from mlfp.training.tones import background
from mlfp.types.spec import Spec

#: Values worked on at a time on a CPU: few enough to stay in its cache.
_BLOCK = 2**19

#: What ``views`` of an augmentation calls the first and the second view.
_VIEWS = ("first", "second")

Key = tuple[Name, ...]


class AugmentationChain:
    """Augmentations in order; neighbours that move pixels become one map, and the image is resampled once.

    A row's result follows from its key alone: other rows, their number and that of threads change nothing but, where
    a library's arithmetic does, the last bit.

    :param augmentations: objects with ``draw`` and ``apply``, or ``draw`` and ``locate``, or ``steps`` that are such
        (:mod:`mlfp.interfaces.augmentation`), or transforms of one sample ``(C, *spatial)`` as those of MONAI and
        torchvision. Where all neighbours that move pixels also have ``map(parameters)``, which gives a map of
        :mod:`mlfp.training.maps`, a CPU follows them compiled.
    """

    def __init__(self, augmentations: Sequence[Any]) -> None:
        self.augmentations = [step for place, item in enumerate(augmentations) for step in _steps(item, place)]

    @classmethod
    def build(
        cls, specs: Sequence[Spec], *, spatial_dims: int, in_channels: int, spacing: Sequence[float]
    ) -> AugmentationChain:
        """Make the augmentations that a configuration names.

        :param spacing: voxel size in mm along each axis, for those that are given in mm.
        :raises ParameterError: one cannot be made; its ``key`` begins with its place.
        """
        context = {"spatial_dims": spatial_dims, "in_channels": in_channels, "spacing": tuple(spacing)}
        made = []
        for place, spec in enumerate(specs):
            try:
                made.append(plugins.registry().build("augmentation", spec, **context))
            except ParameterError as error:
                raise error.under(place) from error
        return cls(made)

    @torch.no_grad()
    def __call__(
        self, batch: Tensor, *, keys: Sequence[Key], subject_keys: Sequence[Key], views: Sequence[int] | None = None
    ) -> Tensor:
        """Augment ``(B, C, *spatial)``; the batch given is left as it is.

        :param keys: for each row what names its draws: (seed, "augment", epoch, step, scan, view).
        :param subject_keys: the same for what all rows of a subject share: (seed, "augment", epoch, step, subject).
        :param views: each row's view, 0 or 1, for augmentations that one view alone goes through; all 0 unless given.
        :raises UsageError: not one key a row, or a transform that changes the shape.
        """
        if not len(keys) == len(subject_keys) == len(batch):
            raise UsageError(
                f"{len(batch)} rows, but {len(keys)} keys and {len(subject_keys)} subject keys",
                hints=["Every row needs one of each."],
            )
        result = batch.float()
        for (seen, spatial, fill), run in itertools.groupby(enumerate(self.augmentations), lambda item: _sort(item[1])):
            rows = [row for row, view in enumerate(views or [0] * len(batch)) if seen in ("both", _VIEWS[view])]
            if not rows:
                continue
            images = result if len(rows) == len(batch) else result[rows]
            names = [keys[row] for row in rows], [subject_keys[row] for row in rows]
            if spatial:
                drawn = [(item, _draw(item, place, images, *names)) for place, item in run]
                images = _resample(images, drawn, fill)
            else:
                images = images.clone() if images is batch else images
                for place, item in run:
                    _apply(images, item, _draw(item, place, images, *names))
            result = (
                images
                if len(rows) == len(batch)
                else result.index_copy(0, torch.tensor(rows, device=batch.device), images)
            )
        return result.clone() if result is batch else result


class SampleTransform:
    """A transform of one sample ``(C, *spatial)`` that draws from global state, which is lent a row's stream.

    :param transform: a MONAI array transform, a torchvision transform, or a function.
    """

    scope = "view"

    def __init__(self, transform: Callable[[Tensor], Any]) -> None:
        self.transform = transform

    def draw(self, generators: Sequence[Generator], batch: Tensor) -> list[int]:
        """A seed a row."""
        return [int(torch.randint(2**62, (), generator=generator)) for generator in generators]

    def apply(self, batch: Tensor, parameters: list[int]) -> Tensor:
        """Row by row.

        :raises UsageError: the transform changes the shape.
        """
        return torch.stack([self._one(image, seed) for image, seed in zip(batch, parameters, strict=True)])

    def _one(self, image: Tensor, seed: int) -> Tensor:
        with seeded_globals(seed, device=image.device):
            if hasattr(self.transform, "set_random_state"):
                self.transform.set_random_state(seed=derive(seed) % 2**32)
            made = torch.as_tensor(self.transform(image.clone()), device=image.device)
        if made.shape != image.shape:
            raise UsageError(
                f"{type(self.transform).__name__} makes {tuple(made.shape)} of {tuple(image.shape)}",
                hints=["An augmentation keeps the shape; what changes it belongs under 'preprocess'."],
            )
        return made.as_subclass(Tensor).to(image.dtype)


def _steps(item: Any, place: int) -> list[Any]:
    """What a preset stands for; anything else alone.

    :raises ParameterError: it is no augmentation.
    """
    if hasattr(item, "steps"):
        return [step for part in item.steps for step in _steps(part, place)]
    if hasattr(item, "draw"):
        return [item]
    if not callable(item):
        raise ParameterError(
            f"{type(item).__name__} is no augmentation: it has no 'draw', and cannot be called with one sample",
            key=(place,),
        )
    return [SampleTransform(item)]


def _sort(augmentation: Any) -> tuple[str, bool, float | str]:
    """What neighbours must share to be worked on together: the view they are for, and what fills what they move."""
    spatial = isinstance(augmentation, SpatialAugmentation)
    fill = getattr(augmentation, "fill", "background") if spatial else "background"
    return getattr(augmentation, "views", "both"), spatial, fill


def _draw(augmentation: Any, place: int, batch: Tensor, keys: Sequence[Key], subject_keys: Sequence[Key]) -> Any:
    """Parameters for every row; the rows of a subject alike, and drawn once, where the augmentation says so."""
    if getattr(augmentation, "scope", "view") != "subject":
        return augmentation.draw([torch_generator(*key, place) for key in keys], batch)
    first = {key: row for row, key in reversed(list(enumerate(subject_keys)))}
    names = {key: number for number, key in enumerate(sorted(first, key=first.__getitem__))}
    parameters = augmentation.draw([torch_generator(*key, place) for key in names], batch[: len(names)])
    if isinstance(parameters, Draws):
        return parameters.rows(torch.tensor([names[key] for key in subject_keys]))
    return augmentation.draw([torch_generator(*key, place) for key in subject_keys], batch)


def _active(batch: Tensor, drawn: Sequence[Any]) -> Tensor:
    """The rows that anything changes."""
    if not all(isinstance(parameters, Draws) for parameters in drawn):
        return torch.arange(len(batch))
    return torch.stack([parameters.active for parameters in drawn]).any(dim=0).nonzero().flatten()


def _resample(batch: Tensor, drawn: Sequence[tuple[Any, Any]], fill: float | str) -> Tensor:
    """Compose the maps of neighbours, last one first, and read the images once."""
    rows = _active(batch, [parameters for _, parameters in drawn])
    images = batch if len(rows) == len(batch) else batch[rows]
    chain = [(item, _of_rows(parameters, rows, batch.device)) for item, parameters in reversed(drawn)]
    moved = _read(images, chain, fill) if len(rows) else images
    return moved if len(rows) == len(batch) else batch.index_copy(0, rows.to(batch.device), moved)


def _read(images: Tensor, chain: Sequence[tuple[Any, Any]], fill: float | str) -> Tensor:
    outside = background(images) if isinstance(fill, str) else images.new_full(images.shape[:2], fill)
    maps: list[Map] = [item.map(parameters) for item, parameters in chain if hasattr(item, "map")]
    if len(maps) == len(chain) and all(isinstance(step, AffineMap | DisplacementMap) for step in maps):
        return resample(images, maps, outside)
    points = centred_grid(images.shape[2:], images.device).expand(len(images), *images.shape[2:], -1)
    for item, parameters in chain:
        points = item.locate(points, parameters)
    return sample(images, points, outside)


def _apply(batch: Tensor, augmentation: Any, parameters: Any) -> None:
    """Change the values of those images that it changes at all, in place; a few at a time on a CPU."""
    rows = _active(batch, [parameters])
    if len(rows) == 0:  # which torch would split into one empty block
        return
    few = (
        max(1, _BLOCK // batch[0].numel())
        if batch.device.type == "cpu" and isinstance(parameters, Draws)
        else len(rows)
    )
    for block in torch.split(rows, few):
        images = augmentation.apply(batch[block], _of_rows(parameters, block, batch.device))
        batch[block] = images


def _of_rows(parameters: Any, rows: Tensor, device: torch.device) -> Any:
    return parameters.rows(rows, device) if isinstance(parameters, Draws) else parameters
