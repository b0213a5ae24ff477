"""The contract of evaluators."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, get_args

import numpy as np

from mlfp.evaluation.similarity import VectorSimilarity
from mlfp.interfaces.evaluator import Evaluator, Need
from mlfp.seeds import numpy_generator
from mlfp.testing.contract import embeddings, global_randomness_untouched, name_of, reported, require, table
from mlfp.types.estimate import Estimate
from mlfp.types.spec import Spec
from mlfp.types.trial import Trial

_METRIC = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*(e-?\d+)?(_[a-z0-9]+)*(\[[^\[\]]+\])?")


def check_evaluator(evaluator: Evaluator) -> None:
    """Check an evaluator against :mod:`mlfp.interfaces.evaluator`.

    It is tried on 60 subjects with 4 scans each in loose clusters: once with the queries in the gallery, once apart.

    :raises ContractError: it does not say what it needs, gives no estimates by name, an interval that does not hold the
        value, or other numbers for the same seed.
    """
    name, needs = name_of(evaluator), getattr(evaluator, "needs", None)
    require(needs in get_args(Need), f"{name}.needs should be one of {', '.join(get_args(Need))}, is {needs!r}")
    for what, trial in (
        ("queries within the gallery", _trial()),
        ("queries apart from the gallery", _trial(apart=True)),
    ):
        trial = replace(trial, scans=_Scans(trial))
        with reported(f"{name} on {what}"), global_randomness_untouched(name):
            found, again = evaluator(trial), evaluator(trial)
        _check_estimates(f"{name} on {what}", found)
        if not getattr(evaluator, "repeatable", True):
            continue
        first, second = ([item.value for item in estimates.values()] for estimates in (found, again))
        require(first == second, f"{name} gives other values for the same trial and seed")


def _trial(*, apart: bool = False) -> Trial:
    rows, labels = embeddings(subjects=60, scans=4)
    everything = rows.numpy()[np.argsort(labels.numpy(), kind="stable")]
    scans = table(subjects=60, scans=4)
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


class _Scans:
    """Scans that are not there: altered they are further off, and another scorer sees one number of each."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial

    def altered(self, before: Sequence[Spec], after: Sequence[Spec], *, both: bool = False) -> Trial:
        noise = numpy_generator("mlfp.testing", "altered", len(before), len(after))
        sides = [np.asarray(self.trial.query_vectors), np.asarray(self.trial.gallery_vectors)]
        for place in range(1 + both):
            sides[place] = (sides[place] + 0.5 * noise.normal(size=sides[place].shape)).astype(np.float32)
        return replace(
            self.trial,
            similarity=VectorSimilarity(sides[0], sides[1]),
            query_vectors=sides[0],
            gallery_vectors=sides[1],
        )

    def scored_by(self, scorer: Spec) -> Trial:
        queries, gallery = (np.asarray(side)[:, :1] for side in (self.trial.query_vectors, self.trial.gallery_vectors))
        other = VectorSimilarity(queries, gallery, "l2")
        return replace(self.trial, similarity=other, query_vectors=None, gallery_vectors=None)

    def validation(self) -> Trial:
        return self.trial

    def describe(self, count: int) -> int:
        return min(count, len(self.trial.queries))


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
