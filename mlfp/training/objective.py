"""What a training makes small: a sum of loss terms, each with its miner, views, memory, and weight over time."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from mlfp import plugins
from mlfp.errors import MlfpError, ParameterError, UsageError
from mlfp.interfaces.miner import IndexTuple
from mlfp.seeds import Name, seeded_globals, torch_generator
from mlfp.training import memory, schedules
from mlfp.training.terms import Layout, ObjectiveValue, TermLike, Views
from mlfp.types.spec import Spec

T = TypeVar("T")

_log = logging.getLogger(__name__)

#: Steps in a row without any training signal after which a term says so, once.
PATIENCE_WITH_EMPTY = 50


class Objective(nn.Module):
    """``total = sum over terms of weight(epoch) x scale x loss``, in 32 bit whatever the precision around it.

    :param terms: losses with their miners, views and weights.
    :param distance: for every loss and miner that names none.
    :param num_classes: number of training subjects, for losses with a weight a subject.
    :param embedding_size: D.
    :param seed: for the first values of weights that losses own.
    :raises ParameterError: a component that cannot be made, or a loss and a miner that cannot go together; its ``key``
        begins with the term's place.
    """

    def __init__(
        self,
        terms: Sequence[TermLike],
        *,
        num_classes: int,
        embedding_size: int,
        distance: str = "cosine",
        seed: int = 0,
    ) -> None:
        super().__init__()
        if not terms:
            raise ParameterError("an objective needs at least one term", hints=["For example: [{loss: triplet}]"])
        context: dict[str, Any] = {"num_classes": num_classes, "embedding_size": embedding_size, "distance": distance}
        self._num_classes = num_classes
        self._terms: list[_Term] = []
        taken: set[str] = set()
        for place, term in enumerate(terms):
            name = term.loss.use if term.loss.use not in taken else f"{term.loss.use}-{place + 1}"
            taken.add(name)
            try:
                with seeded_globals(seed, "objective", place):
                    self._terms.append(_Term(term, name, context))
            except ParameterError as error:
                raise error.under(place) from error
        self.terms = nn.ModuleList(self._terms)

    def forward(
        self,
        embeddings: Tensor,
        labels: Tensor,
        layout: Layout,
        epoch: int,
        epochs: int,
        generator_key: Sequence[Name],
        *,
        scans: Tensor | None = None,
    ) -> ObjectiveValue:
        """The objective of one batch.

        :param embeddings: (B, D), rows as in ``layout``.
        :param labels: (B,) int64, below ``num_classes``.
        :param epoch: counted from 0, of ``epochs``.
        :param generator_key: names the batch, such as (seed, "mine", epoch, step): the miners' draws follow from it.
        :param scans: (B,) int64 which scan each row shows, by which memories leave out older copies of it.
        :raises UsageError: rows do not fit the layout, or a two-view loss has one view.
        :raises MlfpError: a loss is not finite.
        """
        if len(embeddings) != layout.rows or labels.shape != embeddings.shape[:1]:
            raise UsageError(
                f"embeddings {tuple(embeddings.shape)} and labels {tuple(labels.shape)} do not fit {layout}",
                hints=[f"Expected {layout.rows} rows: views x scans x subjects."],
            )
        values: dict[str, float] = {}
        with torch.autocast(embeddings.device.type, enabled=False):
            embeddings = embeddings.float()
            total = embeddings.new_zeros(())
            for place, term in enumerate(self._terms):
                weight = term.weight(epoch, epochs) * term.scale
                batch = _Batch(embeddings, labels, scans, layout, epoch)
                value = term(batch, (*generator_key, place), values)
                values[f"{term.name}.weight"] = weight
                total = total + weight * value
        values["loss"] = float(total.detach())
        return ObjectiveValue(total, values)

    def loss_parameters(self) -> list[nn.Parameter]:
        """Weights that losses own (proxies, class centres): they want an optimizer group of their own."""
        return [parameter for parameter in self.parameters() if parameter.requires_grad]

    def rehearse(self, layout: Layout, embedding_size: int) -> None:
        """Run once on made-up embeddings, so that what cannot work fails before the training.

        :raises ParameterError: a term cannot be evaluated on such batches; its ``key`` begins with the term's place.
        """
        embeddings = torch.randn(layout.rows, embedding_size, generator=torch_generator("rehearse"))
        labels = (torch.arange(layout.subjects) % self._num_classes).repeat(layout.views * layout.scans)
        kept = {name: tensor.clone() for name, tensor in self.state_dict().items()}
        for place, term in enumerate(self._terms):
            # With a memory twice: the first time fills it.
            epochs = [0] if term.memory is None else [0, term.memory.warmup]
            try:
                for epoch in epochs:
                    batch = _Batch(embeddings.requires_grad_(), labels, None, layout, epoch)
                    term(batch, ("rehearse",), {}).backward()
            except (MlfpError, ValueError, TypeError, RuntimeError, AssertionError, IndexError) as error:
                reason = str(error) or type(error).__name__
                raise ParameterError(
                    f"the loss {term.name!r} cannot be evaluated on a batch of {layout}: {reason}", key=(place, "loss")
                ) from error
            finally:
                term.empty = 0
        self.zero_grad(set_to_none=True)
        self.load_state_dict(kept)


@dataclass(frozen=True)
class _Batch:
    """What a term is shown: (B, D) embeddings, (B,) labels, (B,) scans or None, how they lie, and when it is."""

    embeddings: Tensor
    labels: Tensor
    scans: Tensor | None
    layout: Layout
    epoch: int

    def select(self, views: Views) -> _Batch:
        """The rows of these views."""
        rows, part = self.layout.select(views)
        scans = None if self.scans is None else self.scans[rows]
        return _Batch(self.embeddings[rows], self.labels[rows], scans, part, self.epoch)


class _Term(nn.Module):
    """A loss with its miner and its memory."""

    def __init__(self, term: TermLike, name: str, context: dict[str, Any]) -> None:
        super().__init__()
        self.name = name
        self.views = term.views
        self.scale = term.scale
        self.weight = _under("weight", lambda: schedules.parse(term.weight))
        registry = plugins.registry()
        self.loss: nn.Module = _under("loss", lambda: registry.build("loss", term.loss, **context))
        self.accepted = memory.accepted(self.loss)
        self.miner = _build_miner(term.miner, context)
        if self.miner is not None and "indices_tuple" not in self.accepted:
            raise ParameterError(
                f"loss {name!r} takes no miner's tuples",
                key=("miner",),
                hints=["Write miner: null", "A loss of your own takes them by a parameter 'indices_tuple' of forward."],
            )
        self.takes_pairs = self.miner is not None and "pairs" in memory.accepted(self.miner)
        self.memory: memory.Memory | None = None
        if term.memory is not None:
            memory.check_loss(self.loss, name, context["embedding_size"])
            self.memory = memory.Memory(term.memory.size, term.memory.warmup, context["embedding_size"])
        self.empty = 0

    @property
    def two_views(self) -> bool:
        """Whether the loss compares two views and takes no labels."""
        return "labels" not in self.accepted

    def forward(self, batch: _Batch, key: Sequence[Name], values: dict[str, float]) -> Tensor:
        """The unweighted loss; its values are written to ``values``."""
        with seeded_globals(*key, device=batch.embeddings.device):
            if self.two_views:
                value = self._of_views(batch.embeddings, batch.layout)
            else:
                value = self._of_labels(batch.select(self.views), key, values)
        number = float(value.detach())
        if not math.isfinite(number):
            raise MlfpError(
                f"the loss {self.name!r} is {number}",
                hints=["The embeddings may have overflowed: lower the learning rate, clip, or use precision 32-true."],
            )
        values[f"{self.name}.loss"] = number
        values[f"{self.name}.empty"] = self._count_empty(number)
        return value

    def _of_views(self, embeddings: Tensor, layout: Layout) -> Tensor:
        if layout.views < 2:
            raise UsageError(
                f"the loss {self.name!r} compares two views, but a batch has one",
                hints=["Write batch: {..., views: 2}, with augmentations that make the views differ."],
            )
        size = layout.rows_per_view
        return _connected(self.loss(embeddings[:size], embeddings[size : 2 * size]), embeddings)

    def _of_labels(self, batch: _Batch, key: Sequence[Name], values: dict[str, float]) -> Tensor:
        """The loss on the batch and what is remembered, which the batch is then added to."""
        references = None
        if self.memory is not None:
            references = self.memory.recall(batch.embeddings, batch.labels, batch.scans, batch.epoch)
            self.memory.keep(batch.embeddings, batch.labels, batch.scans)
            values[f"{self.name}.memory"] = 0 if references is None else len(references.labels) - len(batch.labels)
        keywords: dict[str, Any] = {}
        if references is not None:
            keywords |= {"ref_emb": references.embeddings, "ref_labels": references.labels}
        mined = self._tuples(batch, references, key, values)
        if mined is not None:
            keywords["indices_tuple"] = mined
            if not any(len(index) for index in mined):
                return (batch.embeddings * 0).sum()
        return _connected(self.loss(batch.embeddings, batch.labels, **keywords), batch.embeddings)

    def _tuples(
        self, batch: _Batch, references: memory.References | None, key: Sequence[Name], values: dict[str, float]
    ) -> IndexTuple | None:
        """What is compared; None where that is everything in the batch."""
        if self.miner is None:
            return None if references is None else memory.all_pairs(batch.labels, references.labels)
        pairs = batch.layout.pairs() if self.takes_pairs else None
        if hasattr(self.miner, "generator"):
            self.miner.generator = torch_generator(*key, "miner")
        embeddings = batch.embeddings.detach()
        if references is None:
            mined = self.miner(embeddings, batch.labels, **({} if pairs is None else {"pairs": pairs}))
        else:
            mined = memory.mine(self.miner, embeddings, batch.labels, references, pairs)
        anchors = len(embeddings) if pairs is None else len(torch.unique(pairs[:, 0]))
        values[f"{self.name}.kept"] = len(torch.unique(mined[0])) / max(anchors, 1)
        return mined

    def _count_empty(self, number: float) -> float:
        """Steps in a row that trained nothing: an exact zero, for want of tuples or of anything left to improve."""
        self.empty = self.empty + 1 if number == 0 else 0
        if self.empty == PATIENCE_WITH_EMPTY:
            _log.warning(
                "The loss %r has been zero for %d steps in a row: %s.",
                self.name,
                self.empty,
                "its miner finds nothing, or nothing is left to improve" if self.miner else "nothing is compared",
            )
        return float(self.empty)


def _connected(value: Tensor | float, embeddings: Tensor) -> Tensor:
    """A loss's value, hung on the embeddings where it is a bare number (some give 0 for nothing)."""
    if isinstance(value, Tensor) and value.requires_grad:
        return value.sum()
    return (embeddings * 0).sum() + value


def _build_miner(spec: Spec | None, context: Mapping[str, object]) -> Callable[..., IndexTuple] | None:
    if spec is None:
        return None
    miner: Callable[..., IndexTuple] = _under("miner", lambda: plugins.registry().build("miner", spec, **context))
    return miner


def _under(key: str, make: Callable[[], T]) -> T:
    """What ``make`` gives, its complaints placed below this key."""
    try:
        return make()
    except ParameterError as error:
        raise error.under(key) from error
