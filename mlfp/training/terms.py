"""What an objective is made of and what it gives back. Importing this imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from mlfp.types.spec import Spec

if TYPE_CHECKING:
    from torch import Tensor

Views = Literal["first", "second", "both"]


class MemoryLike(Protocol):
    """How a term remembers past batches: :class:`Remembered`, or the settings read from a configuration."""

    @property
    def size(self) -> int:
        """Rows it holds."""
        ...

    @property
    def warmup(self) -> int:
        """Epochs in which it is filled but not used."""
        ...


class TermLike(Protocol):
    """One loss of an objective: :class:`Term`, or the settings read from a configuration."""

    @property
    def loss(self) -> Spec:
        """The loss."""
        ...

    @property
    def miner(self) -> Spec | None:
        """The miner whose tuples it gets; None gives it the whole batch."""
        ...

    @property
    def views(self) -> Views:
        """Whose rows it sees."""
        ...

    @property
    def weight(self) -> float | Mapping[str, Any]:
        """A number, or a mapping with ``schedule``."""
        ...

    @property
    def scale(self) -> float:
        """A constant factor beside the weight."""
        ...

    @property
    def memory(self) -> MemoryLike | None:
        """What it remembers of past batches; None compares within the batch alone."""
        ...


@dataclass(frozen=True)
class Remembered:
    """How a term remembers past batches (:class:`mlfp.training.memory.Memory`).

    :param size: rows it holds.
    :param warmup: epochs in which it is filled but not used.
    """

    size: int = 1024
    warmup: int = 1


@dataclass(frozen=True)
class Term:
    """One loss of an objective.

    :param loss: the loss.
    :param miner: the miner whose tuples it gets; None gives it the whole batch.
    :param views: the rows it sees. A two-view loss takes both whatever this says.
    :param weight: a number, or a mapping for :func:`mlfp.training.schedules.parse`.
    :param scale: a constant factor beside the weight. DeepBrainPrint's released code multiplies its contrastive term
        by 1e4; the paper does not.
    :param memory: a cross-batch memory to compare with besides the batch.
    """

    loss: Spec
    miner: Spec | None = None
    views: Views = "first"
    weight: float | Mapping[str, Any] = 1.0
    scale: float = 1.0
    memory: MemoryLike | None = None


@dataclass(frozen=True)
class Layout:
    """How a batch's rows lie: views x scans x subjects, views outermost, the same order of subjects in each block.

    A batch of scans drawn at random has ``scans=1`` and one "subject" a scan.
    """

    views: int
    scans: int
    subjects: int

    @property
    def rows(self) -> int:
        """Rows of the batch."""
        return self.views * self.scans * self.subjects

    @property
    def rows_per_view(self) -> int:
        """Rows of one view."""
        return self.scans * self.subjects

    def select(self, views: Views) -> tuple[slice, Layout]:
        """The rows of these views, and how they lie."""
        if views == "both":
            return slice(0, self.rows), self
        place = 0 if views == "first" else 1
        one = Layout(1, self.scans, self.subjects)
        return slice(place * one.rows, (place + 1) * one.rows), one

    def pairs(self) -> Tensor | None:
        """(P, 2) rows of anchor and positive, or None.

        (scan 0, scan k) within every view; with one scan a subject, (view 0, view k). None where no row has a partner
        by construction: a miner then finds pairs by label.
        """
        import torch

        if self.scans == 1 and self.views == 1:
            return None
        rows = torch.arange(self.rows).view(self.views, self.scans, self.subjects)
        if self.scans == 1:
            anchors, positives = rows[:1].expand(self.views - 1, -1, -1), rows[1:]
        else:
            anchors, positives = rows[:, :1].expand(-1, self.scans - 1, -1), rows[:, 1:]
        return torch.stack([anchors.reshape(-1), positives.reshape(-1)], dim=1)


@dataclass(frozen=True)
class ObjectiveValue:
    """The sum to go down, and what to log.

    :param total: scalar, with a gradient.
    :param values: ``loss`` (the total), and for each term ``NAME.loss`` (unweighted), ``NAME.weight`` (weight times
        scale), ``NAME.kept`` (share of the anchors that the miner kept; only with a miner), ``NAME.memory`` (rows of
        past batches that it compared with; only with a memory) and ``NAME.empty`` (steps in a row in which it trained
        nothing).
    """

    total: Tensor
    values: dict[str, float]
