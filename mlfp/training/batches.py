"""What every step of a training sees: a pure function of seed and step, so that a resumed run needs no state for it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from mlfp.data.pairs import PairRule
from mlfp.data.samplers import RandomSampler, SubjectSampler, drawable
from mlfp.errors import ParameterError, UsageError
from mlfp.training.augment import AugmentationChain
from mlfp.training.settings import BatchSettings
from mlfp.training.terms import Layout
from mlfp.types.scan_table import ScanTable
from mlfp.wording import counted

if TYPE_CHECKING:
    from mlfp.data.scans import ScanSet

_log = logging.getLogger(__name__)

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
        self._sampler = _sampler(scans.table, settings, seed)
        self.layout = Layout(settings.views, settings.scans_each, self._sampler.columns)
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


def check_batch(table: ScanTable, settings: BatchSettings) -> None:
    """Refuse batches that the scans to train on cannot fill, before any of them is read.

    :raises ParameterError: the configuration asks for more than there are, or for a column that there is not.
    :raises UsageError: there are fewer than two to draw from.
    """
    _sampler(table, settings, seed=0)


def _sampler(table: ScanTable, settings: BatchSettings, seed: int) -> SubjectSampler | RandomSampler:
    """What draws the batches.

    :raises ParameterError: the configuration asks for more than there are, or for a column that there is not.
    :raises UsageError: there are fewer than two to draw from.
    """
    if settings.size is not None:
        size = _columns(settings.size, len(table), "size", "scans")
        return RandomSampler(table, size=size, seed=seed)
    pair = None if settings.pair is None else PairRule(**settings.pair.model_dump())
    try:
        available = drawable(table, scans=settings.scans_each, allow_repeats=settings.allow_repeats, pair=pair)
    except ParameterError as error:
        raise error.under("batch", "pair", "column") from error
    ruled = pair is not None and pair.rule != "any" and not pair.prefer
    what = (
        "subjects" if settings.allow_repeats or settings.scans_each == 1 else _what(settings, pair if ruled else None)
    )
    hints = _ways_out(table, settings, pair) if pair is not None and ruled else ()
    columns = _columns(settings.subjects, len(available), "subjects", what, hints)
    sampler = SubjectSampler(
        table,
        subjects=columns,
        scans=settings.scans_each,
        seed=seed,
        allow_repeats=settings.allow_repeats,
        pair=pair,
    )
    if ruled and sampler.left_out:
        total = sampler.left_out + len(available)
        _log.warning("%d of %d training subjects are never drawn: they are no %s.", sampler.left_out, total, what)
    return sampler


def _what(settings: BatchSettings, pair: PairRule | None) -> str:
    wanted = f"subjects with {settings.scans_each} scans"
    return (
        f"{wanted} or more"
        if pair is None
        else f"{wanted} of {'one' if pair.rule == 'same' else pair.rule} {pair.column}"
    )


def _ways_out(table: ScanTable, settings: BatchSettings, pair: PairRule) -> list[str]:
    """What to do where too few subjects keep a rule."""
    values = sorted(set(table.column(pair.column)))
    without = drawable(table, scans=settings.scans_each, allow_repeats=False, pair=None)
    return [
        f"{pair.column} is one of: {', '.join(values[:12])}{', ...' if len(values) > 12 else ''}",
        f"{counted(len(without), 'subject has', 'subjects have')} {settings.scans_each} scans of any {pair.column}: "
        "pair: {..., prefer: true} draws them as well.",
    ]


def _columns(asked: int | None, available: int, key: str, what: str, hints: Sequence[str] = ()) -> int:
    if available < 2:
        raise UsageError(
            f"there are {available} {what} to train on, and telling subjects apart takes two",
            hints=[
                *hints,
                "Give more of the data to training: split: {val: ..., test: ...}.",
                "With one scan a subject, two views of it can be the pair: batch: {scans: 1, views: 2}.",
            ],
        )
    if asked is not None and asked > available:
        raise ParameterError(
            f"a batch of {asked} {what} needs as many, and there are {available} to train on",
            key=("batch", key),
            hints=[f"Write batch: {{{key}: {available}}} or fewer, or leave {key} out.", *hints],
        )
    return asked if asked is not None else min(DEFAULT_COLUMNS, available)
