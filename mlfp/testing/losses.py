"""The contract of losses."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import torch
from torch import Tensor, nn

from mlfp.testing.contract import embeddings, global_randomness_untouched, name_of, reported, require, same


def check_loss(loss: Callable[..., Tensor]) -> None:
    """Check a loss against :mod:`mlfp.interfaces.loss`: one on labels, or one on two views.

    :raises ContractError: it gives no scalar, none that is finite or can be trained on, fails where there is nothing to
        compare, depends on the order of the batch, or draws from a global generator.
    """
    name = name_of(loss)
    require(callable(loss), f"{name} cannot be called")
    accepted = inspect.signature(loss.forward if isinstance(loss, nn.Module) else loss).parameters
    require(len(accepted) >= 2, f"{name} should take (embeddings, labels, ...) or (z1, z2), takes {list(accepted)}")
    if "labels" not in accepted:
        _check_views(name, loss)
        return
    rows, labels = embeddings()
    value = _evaluate(name, "a batch", loss, rows, labels)
    order = torch.arange(len(rows) - 1, -1, -1)
    require(
        same(value, _evaluate(name, "a reversed batch", loss, rows[order], labels[order]), 1e-3),
        f"{name} gives another value when the rows of the batch come in another order",
    )
    anchors, positives, negatives = _triplets(labels)
    if "indices_tuple" in accepted:
        for mined in ((anchors, positives, negatives), (anchors, positives, anchors, negatives)):
            _evaluate(name, f"{len(mined)} mined vectors", loss, rows, labels, mined)
            # A miner may find nothing: the step then trains nothing, and must not break.
            _evaluate(name, "no mined rows", loss, rows, labels, tuple(each[:0] for each in mined), trains=False)
    _evaluate(name, "identical embeddings", loss, torch.ones_like(rows), labels, trains=False)
    _evaluate(name, "embeddings of length 1000", loss, 1000 * rows, labels, trains=False)
    _evaluate(name, "zero embeddings", loss, torch.zeros_like(rows), labels, trains=False)


def _check_views(name: str, loss: Callable[..., Tensor]) -> None:
    first, _ = embeddings()
    second = first + 0.1 * first.flip(0)
    _evaluate(name, "two views", loss, first, second)
    _evaluate(name, "identical embeddings", loss, torch.ones_like(first), torch.ones_like(first), trains=False)


def _triplets(labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Every anchor with the next scan of its subject and the next subject's scan."""
    subjects, rows = int(labels.max()) + 1, torch.arange(len(labels))
    return rows, (rows + subjects) % len(rows), (rows + 1) % len(rows)


def _evaluate(
    name: str,
    what: str,
    loss: Callable[..., Tensor],
    rows: Tensor,
    other: Tensor,
    mined: object = None,
    trains: bool = True,
) -> Tensor:
    """The value on rows and, as they are asked for, labels or the second view; checked for value and gradient."""
    rows = rows.clone().requires_grad_()
    with reported(f"{name} on {what}"), global_randomness_untouched(name):
        value = loss(rows, other) if mined is None else loss(rows, other, indices_tuple=mined)
    require(isinstance(value, Tensor), f"{name} should give a tensor, gave {name_of(value)}")
    require(value.ndim == 0, f"{name} should give a scalar, gave shape {tuple(value.shape)}")
    require(bool(value.isfinite()), f"{name} on {what} is {float(value.detach())}")
    require(value.requires_grad, f"{name} on {what} gives a number that is not connected to the embeddings")
    with reported(f"{name}: the gradient on {what}"):
        (gradient,) = torch.autograd.grad(value, rows, allow_unused=True)
    finite = gradient is None or bool(gradient.isfinite().all())
    require(finite, f"{name} on {what} has a gradient that is not finite")
    moving = gradient is not None and bool(gradient.abs().sum() > 0)
    require(moving or not trains, f"{name} on {what} has no gradient: nothing would be trained")
    return value.detach()
