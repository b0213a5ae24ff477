"""What every step of a training sees: a pure function of seed and step, so that a resumed run needs no state for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from mlfp.data.samplers import RandomSampler, SubjectSampler
from mlfp.errors import ParameterError, UsageError
from mlfp.training.augment import AugmentationChain
from mlfp.training.settings import BatchSettings
from mlfp.training.terms import Layout

if TYPE_CHECKING:
    from mlfp.data.scans import ScanSet

#: Subjects (or scans) a batch where the configuration says nothing and there are as many.
DEFAULT_COLUMNS = 32


@dataclass(frozen=True)
class Batch:
    """Rows are views x scans x subjects, views outermost.

    :param images: (B, C, *spatial) float32, augmented.
    :param labels: (B,) int64 subjects.
    :param scans: (B,) int64 which of the training scans each row shows.
    """

    images: Tensor
    labels: Tensor
    scans: Tensor


class Batches:
    """The batches of a training.

    :param scans: the training scans.
    :param settings: what a batch holds.
    :param augment: applied to all rows, each with generators of its own.
    :param seed: of the training.
    :param device: where to augment.
    :param memory_format: how the images lie in memory.
    :raises ParameterError: a batch asks for more than there is.
    """

    def __init__(
        self,
        scans: ScanSet,
        settings: BatchSettings,
        augment: AugmentationChain,
        *,
        seed: int,
        device: torch.device,
        memory_format: torch.memory_format,
    ) -> None:
        self.scans = scans
        self.augment = augment
        self.seed = seed
        self.device = device
        self._format = memory_format
        self._labels = scans.table.labels()
        self._names = list(zip(scans.table.scans, scans.table.subjects, strict=True))
        columns = columns_for(settings, self._labels)
        self.layout = Layout(settings.views, settings.scans_each, columns)
        self._sampler = _sampler(scans, settings, columns, seed)
        self.per_pass: int = self._sampler.steps
        self._passed: tuple[int, list[np.ndarray]] = (-1, [])

    def rows(self, step: int) -> np.ndarray:
        """(scans * subjects,) positions of the scans of a step, counted from 0, in one view."""
        number, place = divmod(step, self.per_pass)
        if self._passed[0] != number:
            self._passed = (number, self._sampler.epoch(number))
        return self._passed[1][place]

    def batch(self, step: int, epoch: int) -> Batch:
        """The images of a step, augmented on the device, and whose they are."""
        rows, views = self.rows(step), self.layout.views
        images = self.scans.images(rows).to(self.device)
        images = torch.cat([images] * views) if views > 1 else images
        augmented = self.augment(
            images,
            keys=[
                (self.seed, "augment", epoch, step, str(self._names[row][0]), place // self.layout.subjects, view)
                for view in range(views)
                for place, row in enumerate(rows)
            ],
            subject_keys=[
                (self.seed, "augment", epoch, step, str(self._names[row][1])) for _ in range(views) for row in rows
            ],
            views=[view for view in range(views) for _ in rows],
        )
        labels = torch.from_numpy(np.tile(self._labels[rows], views)).to(self.device)
        scans_shown = torch.from_numpy(np.tile(rows, views)).to(self.device)
        return Batch(augmented.contiguous(memory_format=self._format), labels, scans_shown)


def columns_for(settings: BatchSettings, labels: np.ndarray) -> int:
    """Subjects a batch, or scans where they are drawn at random.

    :param labels: (N,) the subject of each training scan.
    :raises ParameterError: the configuration asks for more than there are.
    :raises UsageError: there are fewer than two.
    """
    if settings.size is not None:
        return _columns(settings.size, len(labels), "size", "scans")
    counts = np.unique(labels, return_counts=True)[1]
    wanted = 1 if settings.allow_repeats else settings.scans_each
    what = f"subjects with {wanted} scans or more" if wanted > 1 else "subjects"
    return _columns(settings.subjects, int((counts >= wanted).sum()), "subjects", what)


def _columns(asked: int | None, available: int, key: str, what: str) -> int:
    if available < 2:
        raise UsageError(
            f"there are {available} {what} to train on, and telling subjects apart takes two",
            hints=[
                "Give more of the data to training: split: {val: ..., test: ...}.",
                "With one scan a subject, two views of it can be the pair: batch: {scans: 1, views: 2}.",
            ],
        )
    if asked is not None and asked > available:
        raise ParameterError(
            f"a batch of {asked} {what} needs as many, and there are {available} to train on",
            key=("batch", key),
            hints=[f"Write batch: {{{key}: {available}}} or fewer, or leave {key} out."],
        )
    return asked if asked is not None else min(DEFAULT_COLUMNS, available)


def _sampler(scans: ScanSet, settings: BatchSettings, columns: int, seed: int) -> SubjectSampler | RandomSampler:
    if settings.size is not None:
        return RandomSampler(scans.table, size=columns, seed=seed)
    return SubjectSampler(
        scans.table,
        subjects=columns,
        scans=settings.scans_each,
        seed=seed,
        **({"allow_repeats": True} if settings.allow_repeats else {}),
    )
