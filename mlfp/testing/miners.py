"""The contract of miners."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from mlfp.interfaces.miner import IndexTuple
from mlfp.seeds import torch_generator
from mlfp.testing.contract import embeddings, global_randomness_untouched, name_of, reported, require


def check_miner(miner: Callable[..., IndexTuple]) -> None:
    """Check a miner against :mod:`mlfp.interfaces.miner`; any of pytorch-metric-learning's that keeps labels passes.

    :raises ContractError: it gives no index tuple, compares an image with itself, takes a positive for a negative,
        fails on a batch that has nothing to mine, or draws from a global generator.
    """
    require(callable(miner), f"{name_of(miner)} cannot be called")
    rows, labels = embeddings()
    name, subjects = name_of(miner), int(labels.max()) + 1
    anchors = torch.arange(subjects)
    pairs = torch.cat([torch.stack([anchors, anchors + k * subjects], 1) for k in range(1, len(rows) // subjects)])
    with global_randomness_untouched(name):
        found = _mine(miner, rows, labels, pairs)
    _check_tuple(name, found, labels, labels, same_rows=True)
    require(any(len(item) for item in found), f"{name} finds nothing in a batch of loose clusters")
    if hasattr(miner, "generator"):
        again = _mine(miner, rows, labels, pairs)
        equal = len(found) == len(again) and all(map(torch.equal, found, again))
        require(equal, f"{name} gives other tuples for the same generator")
    none = torch.zeros(0, 2, dtype=torch.int64)
    for what, others, given in (
        ("one subject alone", torch.zeros_like(labels), pairs),
        ("one scan a subject", torch.arange(len(labels)), none),
    ):
        _check_tuple(f"{name} on {what}", _mine(miner, rows, others, given, what), others, others, same_rows=True)
    half = len(rows) // 2
    given = torch.stack([torch.arange(half), torch.arange(half)], 1)
    apart = _mine(miner, rows[:half], labels[:half], given, "reference rows", rows[half:], labels[half:])
    _check_tuple(f"{name} with reference rows", apart, labels[:half], labels[half:], same_rows=False)
    if "own" in inspect.signature(miner.forward if isinstance(miner, nn.Module) else miner).parameters:
        remembered = _mine(miner, rows[:half], labels[:half], pairs[:subjects], "a memory", rows, labels, own=True)
        _check_tuple(f"{name} with a memory", remembered, labels[:half], labels, same_rows=True)


def _mine(
    miner: Callable[..., IndexTuple],
    rows: Tensor,
    labels: Tensor,
    pairs: Tensor,
    what: str = "a batch",
    *ref: Tensor,
    own: bool = False,
) -> IndexTuple:
    keywords: dict[str, Any] = {"ref_emb": ref[0], "ref_labels": ref[1]} if ref else {}
    if own:
        keywords["own"] = torch.arange(len(rows))
    called = miner.forward if isinstance(miner, nn.Module) else miner
    if "pairs" in inspect.signature(called).parameters:
        keywords["pairs"] = pairs
    if hasattr(miner, "generator"):
        miner.generator = torch_generator("mlfp.testing", "miner")
    with reported(f"{name_of(miner)} on {what}"):
        return tuple(miner(rows, labels, **keywords))


def _check_tuple(name: str, found: IndexTuple, labels: Tensor, others: Tensor, *, same_rows: bool) -> None:
    require(len(found) in (3, 4), f"{name} should give 3 or 4 vectors of rows, gave {len(found)}")
    for item in found:
        good = isinstance(item, Tensor) and item.dtype == torch.int64 and item.ndim == 1
        require(good, f"{name} should give int64 vectors, gave {getattr(item, 'dtype', name_of(item))}")
    groups = [found] if len(found) == 3 else [found[:2], found[2:]]
    for group in groups:
        lengths = [len(item) for item in group]
        require(len(set(lengths)) == 1, f"{name}: vectors that belong together have lengths {lengths}")
        for place, item in enumerate(group):
            size = len(labels if place == 0 else others)
            inside = bool(((item >= 0) & (item < size)).all())
            require(inside, f"{name} names rows outside the batch of {size}")
    anchors, positives = found[0], found[1]
    negative_anchors, negatives = (found[0], found[2]) if len(found) == 3 else (found[2], found[3])
    require(
        torch.equal(labels[anchors], others[positives]), f"{name}: a positive shows another subject than its anchor"
    )
    strange = bool((labels[negative_anchors] != others[negatives]).all())
    require(strange, f"{name}: a negative shows the same subject as its anchor")
    require(not same_rows or bool((anchors != positives).all()), f"{name}: an image is its own positive")
