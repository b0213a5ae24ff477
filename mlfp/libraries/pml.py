"""pytorch-metric-learning's own classes: ``pml:MultiSimilarityLoss``, ``pml:BatchHardMiner``, ``pml:LpDistance``.

What it calls otherwise than mlfp:

- ``distance`` there is an object; here it may be a name, ``cosine``, ``l2`` or ``inner``. One that the *user* wrote is
  taken as it is. One that the *engine* offers (the comparison's ``distance``) replaces the class's own only where the
  two would order pairs differently: margins of a class that already compares normalised vectors were tuned for its own
  distance, so ``cosine`` leaves, for example, ContrastiveLoss with its normalised Euclidean distance. A class that
  insists on its own keeps it, and a warning says so.
- ``embedding_size`` is ``l`` in ManifoldLoss and ``descriptors_dim`` in P2SGradLoss.
- VICRegLoss takes the second view as ``ref_emb``; here it is a two-view loss as any other.
- CrossBatchMemory forgets on a resume how full it is; here that is part of its state.
- DynamicSoftMarginLoss keeps the graph of the last step in its histogram, so that a second step fails, and leaves the
  histogram out of its state; here it is detached, and kept.
"""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable
from types import ModuleType
from typing import Any, cast

import torch
from pydantic_core import core_schema
from pytorch_metric_learning import distances, losses, miners, reducers, regularizers
from pytorch_metric_learning.distances import BaseDistance
from torch import Tensor, nn

from mlfp.errors import ParameterError, UnknownComponentError, nearest

_log = logging.getLogger(__name__)

#: Where a component of each kind is looked for. A part is what stands in a parameter: ``reducer: {use: pml:...}``.
_MODULES: dict[str, tuple[ModuleType, ...]] = {
    "loss": (losses,),
    "miner": (miners,),
    "part": (distances, reducers, regularizers, losses, miners),
}
#: What makes no sense here, and what to write instead.
_REFUSED = {
    "MultipleLosses": "Write several terms instead: objective: [{loss: ...}, {loss: ..., weight: 0.5}]",
    "EmbeddingsAlreadyPackagedAsTriplets": "It takes rows 0, 1, 2 for a triplet, and batches here do not lie so.",
}
#: What it calls the length of an embedding where not ``embedding_size``.
_EMBEDDING_SIZE = {"ManifoldLoss": "l", "P2SGradLoss": "descriptors_dim"}


class EuclideanDistance(distances.LpDistance):  # type: ignore[misc]
    """Euclidean distance without the detour over a product of matrices.

    ``torch.cdist`` takes it for more than 25 rows, and then finds 0.04 between a vector of length 56 and itself
    (32 bit): enough to reorder near duplicates, which are what fingerprints of one subject become.
    """

    def compute_mat(self, query_emb: Tensor, ref_emb: Tensor | None) -> Tensor:
        """(Q, D) and (R, D) to (Q, R)."""
        reference = query_emb if ref_emb is None else ref_emb
        return torch.cdist(query_emb.float(), reference.float(), compute_mode="donot_use_mm_for_euclid_dist")


def distance(name: str) -> BaseDistance:
    """A distance by the name that configurations use.

    :param name: ``cosine`` (similarity of normalised vectors), ``l2`` (Euclidean, not normalised) or ``inner``
        (product, not normalised).
    :raises ParameterError: another name.
    """
    made: dict[str, Callable[[], BaseDistance]] = {
        "cosine": distances.CosineSimilarity,
        "l2": functools.partial(EuclideanDistance, normalize_embeddings=False),
        "inner": functools.partial(distances.DotProductSimilarity, normalize_embeddings=False),
    }
    if name not in made:
        raise ParameterError(
            f"unknown distance {name!r}",
            key=("distance",),
            hints=[*nearest(name, made), f"Known: {', '.join(made)}, or for example {{use: pml:SNRDistance}}"],
        )
    return made[name]()


#: The same under a name that no parameter hides.
_distance_named = distance


def load(kind: str, name: str) -> Callable[..., Any]:
    """What makes the class of this name, for use as a component of this kind.

    :raises UnknownComponentError: the library has no such class, or one that makes no sense here.
    """
    if name in _REFUSED:
        raise UnknownComponentError(f"pml:{name} cannot be used here", key=("use",), hints=[_REFUSED[name]])
    for module in _MODULES.get(kind, ()):
        found: Any = getattr(module, name, None)
        if inspect.isclass(found) and found.__module__.startswith("pytorch_metric_learning"):
            return _adapted(found)
    names = {item for module in _MODULES.get(kind, ()) for item in vars(module) if item[0].isupper()}
    names -= {*_REFUSED}
    known = sorted(item for item in names if not item.startswith(("Base", "Generic")) and not item.endswith("Mixin"))
    raise UnknownComponentError(
        f"pytorch-metric-learning has no {kind} {name!r}",
        key=("use",),
        hints=[*nearest(name, known), f"It has: {', '.join(known)}"] if known else [],
    )


class ExplicitDistance:
    """The type of a distance that the user wrote: checking a configuration turns its name into the object.

    What the engine offers is not checked, and so stays a name: that tells the two apart.
    """

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> core_schema.CoreSchema:
        """A name becomes a distance; an object stays."""
        return core_schema.no_info_plain_validator_function(
            lambda value: distance(value) if isinstance(value, str) else value
        )


def _adapted(base: type[Any]) -> type[Any]:
    """A subclass that takes mlfp's words for what the engine offers."""
    name = base.__name__
    own = {
        "VICRegLoss": TwoViewVICReg,
        "CrossBatchMemory": _CrossBatchMemory,
        "DynamicSoftMarginLoss": _DynamicSoftMargin,
    }
    if name in own:
        return own[name]
    mixins: list[type[Any]] = []
    if name in _EMBEDDING_SIZE:
        mixins.append(_Sized)
    if hasattr(base, "get_default_distance"):
        mixins.append(Distanced)
    return type(name, (*mixins, base), {}) if mixins else base


class _Sized:
    """Takes ``embedding_size`` for what the class below calls otherwise."""

    def __init__(self, *, embedding_size: int, **parameters: Any) -> None:
        super().__init__(**{_EMBEDDING_SIZE[type(self).__name__]: embedding_size}, **parameters)


class Distanced:
    """Takes a distance by name; one that the engine offers only where the class's own would order pairs otherwise.

    A mixin before a class of the library: ``class MyLoss(pml.Distanced, losses.CircleLoss)``.
    """

    distance: BaseDistance

    def __init__(self, *, distance: ExplicitDistance | None = None, **parameters: Any) -> None:
        chosen: Any = distance
        given = isinstance(chosen, BaseDistance)
        super().__init__(**parameters, **({"distance": chosen} if given else {}))
        if isinstance(chosen, str) and not _orders_as(self.distance, chosen):
            self._take(chosen, parameters)

    def _take(self, name: str, parameters: dict[str, Any]) -> None:
        """Construct again with the engine's distance, unless the class insists on its own."""
        own = self.distance
        # Cleared, for a module that has a regulariser refuses the flag that the constructor sets before it.
        vars(self).clear()
        try:
            Distanced.__init__(self, distance=cast(Any, _distance_named(name)), **parameters)
        except AssertionError:
            vars(self).clear()
            Distanced.__init__(self, **parameters)
            _log.warning("%s only works with its own distance, %s: not %s.", type(self).__name__, own, name)


def _orders_as(own: BaseDistance, name: str) -> bool:
    """Whether a distance orders pairs of vectors as the named one does."""
    spherical = own.normalize_embeddings and own.p == 2 and type(own) is not distances.SNRDistance
    if name == "cosine":
        return bool(spherical)
    if name == "l2":
        return isinstance(own, distances.LpDistance) and not own.normalize_embeddings and own.p == 2
    return isinstance(own, distances.DotProductSimilarity) and not own.normalize_embeddings


class TwoViewVICReg(nn.Module):
    """VICRegLoss as a two-view loss.

    :param invariance_lambda: weight of the invariance term.
    :param variance_mu: weight of the variance term.
    :param covariance_v: weight of the covariance term.
    :param eps: below the square root of the variance.
    """

    def __init__(
        self,
        *,
        invariance_lambda: float = 25.0,
        variance_mu: float = 25.0,
        covariance_v: float = 1.0,
        eps: float = 1e-4,
    ) -> None:
        super().__init__()
        self.loss = losses.VICRegLoss(invariance_lambda, variance_mu, covariance_v, eps)

    def forward(self, z1: Tensor, z2: Tensor) -> Tensor:
        """Two (B, D) views to a scalar."""
        value: Tensor = self.loss(z1, ref_emb=z2)
        return value


class _CrossBatchMemory(losses.CrossBatchMemory):  # type: ignore[misc]
    """The memory with its fill level in its state."""

    def get_extra_state(self) -> Tensor:
        """How full the queue is and where its head stands."""
        return torch.tensor([int(self.has_been_filled), self.queue_idx])

    def set_extra_state(self, state: Tensor) -> None:
        """Restore them."""
        self.has_been_filled, self.queue_idx = bool(state[0]), int(state[1])


class _DynamicSoftMargin(Distanced, losses.DynamicSoftMarginLoss):  # type: ignore[misc]
    """The loss with a histogram that holds no graph, in its state."""

    def update_histogram(self, data: Tensor) -> None:
        """Count the values of a batch."""
        super().update_histogram(data.detach())

    def get_extra_state(self) -> Tensor:
        """The histogram."""
        return self.hist_.clone()

    def set_extra_state(self, state: Tensor) -> None:
        """Restore it."""
        self.hist_ = state.clone()
