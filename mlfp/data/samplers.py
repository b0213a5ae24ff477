"""Which scans make a batch: drawn from a seed, the epoch and the table, whatever the order of its rows."""

from __future__ import annotations

import numpy as np

from mlfp.data.pairs import PairDrawer, PairRule
from mlfp.errors import UsageError
from mlfp.seeds import numpy_generator
from mlfp.types.scan_table import ScanTable
from mlfp.wording import counted


class SubjectSampler:
    """Batches of ``scans`` scans of each of ``subjects`` subjects.

    In an epoch every subject comes up about once. Batches are all of one size: the last is filled with further
    subjects if it would be half full at least, and left out otherwise. Where there are fewer subjects than a batch
    asks for, a batch has them all.

    :param table: the scans to draw from.
    :param subjects: different subjects in a batch.
    :param scans: scans of each.
    :param seed: of the training.
    :param rank: this process's number; each takes its own subjects of a step.
    :param world: how many processes train together.
    :param allow_repeats: take subjects with fewer than ``scans`` scans too, and repeat their scans.
    :param pair: what the scans of a subject have to do with each other; nothing unless given. Not with
        ``allow_repeats``.
    :raises UsageError: fewer than two subjects for each process can be drawn.
    :raises ParameterError: the table has no such column as ``pair`` names.
    """

    def __init__(
        self,
        table: ScanTable,
        *,
        subjects: int,
        scans: int,
        seed: int,
        rank: int = 0,
        world: int = 1,
        allow_repeats: bool = False,
        pair: PairRule | None = None,
    ) -> None:
        self.table, self.scans, self.seed, self.rank, self.world = table, scans, seed, rank, world
        self.allow_repeats = allow_repeats
        self._drawer = None if pair is None else PairDrawer(table, pair, scans)
        self._rows = drawable(table, scans=scans, allow_repeats=allow_repeats, pair=pair)
        #: Subjects that are never drawn, as they have too few scans, or none that keep the rule.
        self.left_out = len(_by_subject(table)) - len(self._rows)
        self.subjects = min(subjects, len(self._rows) // world)
        if scans < 1 or self.subjects < 2:
            raise UsageError(
                f"{len(self._rows)} of {self.left_out + len(self._rows)} subjects have the {scans} scans "
                f"{'' if pair is None else f'({pair}) '}that a batch takes of each: two for each process are needed",
                hints=["Ask for fewer scans of a subject: batch: {subjects: 32, scans: 1, views: 2}"],
            )

    @property
    def columns(self) -> int:
        """Subjects in a batch."""
        return self.subjects

    @property
    def steps(self) -> int:
        """Batches an epoch."""
        return max(1, round(len(self._rows) / (self.subjects * self.world)))

    def epoch(self, epoch: int) -> list[np.ndarray]:
        """The epoch's batches for this process.

        Each is (scans * subjects,) positions in the table: all subjects' first scans, then all their second ones, and
        so on, the subjects in the same order. Two batches of one step share no subject between processes.
        """
        generator = numpy_generator(self.seed, "subject-sampler", epoch)
        width = self.subjects * self.world
        order = _repeated(generator.permutation(len(self._rows)), self.steps, width, generator)
        drawn = [[self._draw(self._rows[subject], generator) for subject in step] for step in order]
        mine = slice(self.rank * self.subjects, (self.rank + 1) * self.subjects)
        return [np.stack(step[mine], axis=1).reshape(-1) for step in drawn]

    def _draw(self, rows: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """(scans,) of a subject's rows: all different as long as there are as many."""
        if self._drawer is not None:
            return self._drawer.draw(rows, generator)
        drawn = generator.permutation(rows)
        while len(drawn) < self.scans:
            drawn = np.concatenate([drawn, generator.permutation(rows)])
        return drawn[: self.scans]


class RandomSampler:
    """Batches of scans at random, whoever they show.

    :param table: the scans to draw from.
    :param size: scans in a batch, of this process.
    :param seed: of the training.
    :param rank: this process's number.
    :param world: how many processes train together.
    :raises UsageError: fewer than two scans for each process.
    """

    def __init__(self, table: ScanTable, *, size: int, seed: int, rank: int = 0, world: int = 1) -> None:
        self.table, self.seed, self.rank, self.world = table, seed, rank, world
        self.size = min(size, len(table) // world)
        if self.size < 2:
            raise UsageError(f"{counted(len(table), 'scan')} cannot fill batches of two or more for {world} processes")

    @property
    def columns(self) -> int:
        """Scans in a batch."""
        return self.size

    @property
    def steps(self) -> int:
        """Batches an epoch."""
        return max(1, round(len(self.table) / (self.size * self.world)))

    def epoch(self, epoch: int) -> list[np.ndarray]:
        """The epoch's batches for this process, each (size,) positions in the table."""
        generator = numpy_generator(self.seed, "random-sampler", epoch)
        rows = np.argsort(self.table.scans.astype(str), kind="stable")
        width = self.size * self.world
        order = _repeated(generator.permutation(len(rows)), self.steps, width, generator)
        return [rows[step[self.rank * self.size : (self.rank + 1) * self.size]] for step in order]


def drawable(table: ScanTable, *, scans: int, allow_repeats: bool, pair: PairRule | None) -> list[np.ndarray]:
    """Positions of the scans of each subject that a :class:`SubjectSampler` draws; parameters as there.

    :raises ParameterError: the table has no such column as ``pair`` names.
    """
    enough = [rows for rows in _by_subject(table) if len(rows) >= (1 if allow_repeats else scans)]
    if pair is None or pair.prefer:
        return enough
    return [*filter(PairDrawer(table, pair, scans).can, enough)]


def _by_subject(table: ScanTable) -> list[np.ndarray]:
    """Positions of each subject's scans, both sorted by their ids."""
    order = np.lexsort((table.scans.astype(str), table.subjects.astype(str)))
    names = table.subjects.astype(str)[order]
    return np.split(order, np.flatnonzero(names[1:] != names[:-1]) + 1) if len(order) else []


def _repeated(order: np.ndarray, steps: int, width: int, generator: np.random.Generator) -> list[np.ndarray]:
    """Steps of this width from a permutation; a last one that it cannot fill takes some of the earlier ones again."""
    found = [order[start : start + width] for start in range(0, steps * width, width)]
    lacking = width - len(found[-1])
    if lacking:
        earlier = order[: len(order) - len(found[-1])]
        found[-1] = np.concatenate([found[-1], generator.permutation(earlier)[:lacking]])
    return found
