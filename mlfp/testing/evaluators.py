"""The contract of evaluators."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, get_args

import numpy as np

from mlfp.evaluation.similarity import VectorSimilarity
from mlfp.interfaces.evaluator import Evaluator, Need
from mlfp.testing.contract import embeddings, global_randomness_untouched, name_of, reported, require, table
from mlfp.types.estimate import Estimate
from mlfp.types.trial import Trial

_METRIC = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*(e-?\d+)?(_[a-z0-9]+)*(\[[^\[\]]+\])?")


def check_evaluator(evaluator: Evaluator) -> None:
    """Check an evaluator against :mod:`mlfp.interfaces.evaluator`.

    It is tried on 30 subjects with 4 scans each in loose clusters: once with the queries in the gallery, once apart.

    :raises ContractError: it does not say what it needs, gives no estimates by name, an interval that does not hold the
        value, or other numbers for the same seed.
    """
    name, needs = name_of(evaluator), getattr(evaluator, "needs", None)
    require(needs in get_args(Need), f"{name}.needs should be one of {', '.join(get_args(Need))}, is {needs!r}")
    for what, trial in (
        ("queries within the gallery", _trial()),
        ("queries apart from the gallery", _trial(apart=True)),
    ):
        with reported(f"{name} on {what}"), global_randomness_untouched(name):
            found, again = evaluator(trial), evaluator(trial)
        _check_estimates(f"{name} on {what}", found)
        first, second = ([item.value for item in estimates.values()] for estimates in (found, again))
        require(first == second, f"{name} gives other values for the same trial and seed")


def _trial(*, apart: bool = False) -> Trial:
    rows, labels = embeddings(subjects=30, scans=4)
    everything = rows.numpy()[np.argsort(labels.numpy(), kind="stable")]
    scans = table(subjects=30, scans=4)
    asking = np.arange(0, len(scans), 2) if apart else np.arange(len(scans))
    answering = np.arange(1, len(scans), 2) if apart else np.arange(len(scans))
    queries, gallery = everything[asking], everything[answering]
    return Trial(
        queries=scans.select(asking),
        gallery=scans.select(answering),
        similarity=VectorSimilarity(queries, gallery, "cosine"),
        query_vectors=queries,
        gallery_vectors=gallery,
    )


def _check_estimates(name: str, found: Mapping[str, Any]) -> None:
    require(isinstance(found, Mapping) and bool(found), f"{name} should give estimates by name, gave {found!r}")
    for metric, estimate in found.items():
        what = f"{name}: {metric}"
        require(bool(_METRIC.fullmatch(metric)), f"{what} should be lower-case words joined by _")
        require(isinstance(estimate, Estimate), f"{what} should be an Estimate, is {name_of(estimate)}")
        require(math.isfinite(estimate.value), f"{what} is {estimate.value}")
        holds = estimate.low <= estimate.value + 1e-9 and estimate.value <= estimate.high + 1e-9
        require(holds, f"{what}: {estimate.value} lies outside its interval {estimate.low} to {estimate.high}")
        require(estimate.n > 0, f"{what} says that it rests on {estimate.n} queries")
