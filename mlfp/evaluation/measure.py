"""One evaluation of one method: choose the scans, compare them, and hand the trial to the evaluator."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mlfp.errors import MlfpError, ParameterError
from mlfp.evaluation import exhibits, intervals
from mlfp.evaluation.settings import EvaluationSpec
from mlfp.execution.progress import Progress, silent
from mlfp.interfaces.evaluator import CheckingEvaluator, Evaluator
from mlfp.types.estimate import Estimate
from mlfp.types.measured import Measured
from mlfp.types.scan_table import ScanTable
from mlfp.types.spec import Spec
from mlfp.types.trial import Scans, Similarity, Trial

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Side:
    """Scans and what a method knows of them.

    :param table: N scans.
    :param vectors: (N, D) float32 fingerprints, for a method that embeds.
    :param features: (N, ...) a scorer's descriptions, for one that does not.
    """

    table: ScanTable
    vectors: np.ndarray | None = None
    features: Tensor | None = None


@dataclass(frozen=True)
class Selected:
    """The similarity of some of the scans, at their positions among those selected."""

    whole: Similarity
    queries: np.ndarray
    gallery: np.ndarray

    def block(self, queries: np.ndarray, gallery: np.ndarray) -> np.ndarray:
        """(Q, G) float32 similarity; higher is more alike."""
        return self.whole.block(self.queries[queries], self.gallery[gallery])


@dataclass(frozen=True)
class SelectedScans:
    """What stands behind a trial of some of the scans.

    :param whole: behind the trial they were chosen from.
    :param queries: their ids.
    :param gallery: their ids.
    """

    whole: Scans
    queries: np.ndarray
    gallery: np.ndarray

    def altered(self, before: Sequence[Spec], after: Sequence[Spec], *, both: bool = False) -> Trial:
        """See :class:`~mlfp.types.trial.Scans`."""
        return self._chosen(self.whole.altered(before, after, both=both))

    def scored_by(self, scorer: Spec) -> Trial:
        """See :class:`~mlfp.types.trial.Scans`."""
        return self._chosen(self.whole.scored_by(scorer))

    def validation(self) -> Trial | None:
        """See :class:`~mlfp.types.trial.Scans`: other scans, among which the evaluation has chosen already."""
        return self.whole.validation()

    def describe(self, count: int) -> int:
        """See :class:`~mlfp.types.trial.Scans`."""
        return self.whole.describe(count)

    def _chosen(self, trial: Trial) -> Trial:
        return selected(trial, _places(trial.queries, self.queries), _places(trial.gallery, self.gallery))


def chosen(trial: Trial, spec: EvaluationSpec) -> Trial:
    """The trial of those scans that an evaluation asks with and searches.

    :raises ParameterError: none is left.
    """
    return selected(trial, _chosen(trial.queries, spec, "query"), _chosen(trial.gallery, spec, "gallery"))


def _places(table: ScanTable, scans: np.ndarray) -> np.ndarray:
    """Positions of those of some scans that a table has, in their order."""
    found = pd.Index(table.scans).get_indexer(pd.Index(scans))
    there: np.ndarray = found[found >= 0]
    return there


def measure(
    spec: EvaluationSpec,
    evaluator: Evaluator,
    queries: Side,
    gallery: Side,
    *,
    similarity: Callable[[Side, Side], Similarity],
    distance: str,
    seed: int,
    scans: Scans | None = None,
    progress: Progress = silent,
) -> Measured:
    """Measure a method.

    Without ``across`` there is one trial. With it there is one for every ordered pair of different values of the
    column; each metric is pooled over them (a query counts once in every trial it asks in) under its own name, and
    stands beside it for each pair as ``metric[T1>FLAIR]``: queries are T1, the gallery FLAIR. Exhibits are averaged.

    :param queries: all scans that may ask; the evaluation's ``query`` chooses among them.
    :param gallery: all scans that may be found; ``gallery`` chooses among them.
    :param similarity: compares the two whole sides; called once.
    :param distance: how vectors are compared.
    :param seed: of the bootstrap and of the episodes; the same for every method.
    :param scans: what stands behind the two whole sides.
    :param progress: told of long work.
    :raises ParameterError: a column is missing, or nothing is left to compare.
    """
    asking, answering = _sides(spec, queries.table, gallery.table)
    whole = Trial(
        queries=queries.table,
        gallery=gallery.table,
        similarity=similarity(queries, gallery),
        ignore=spec.ignore,
        query_vectors=queries.vectors,
        gallery_vectors=gallery.vectors,
        distance=distance,
        seed=seed,
        scans=scans,
        progress=progress,
    )
    if spec.across is None:
        return Measured.of(evaluator(selected(whole, asking, answering)))
    return _across(spec.across, evaluator, whole, asking, answering)


def check(spec: EvaluationSpec, evaluator: Evaluator, table: ScanTable) -> None:
    """See whether a side of the split can be measured, before there is a method: as far as its table tells.

    :raises MlfpError: a column is missing, nothing is left to compare, or the evaluator says that it cannot.
    """
    asking, answering = _sides(spec, table, table)
    whole = Trial(table, table, _Unknown(), spec.ignore)
    pairs = [("", asking, answering)] if spec.across is None else _pairs(spec.across, whole, asking, answering)
    for pair, rows, columns in pairs:
        if isinstance(evaluator, CheckingEvaluator):
            try:
                evaluator.check(selected(whole, rows, columns))
            except MlfpError as error:
                raise (error.at(f"across {spec.across}: {pair}") if pair else error) from None


class _Unknown:
    """The similarity of what nothing compares."""

    def block(self, queries: np.ndarray, gallery: np.ndarray) -> np.ndarray:
        """None to be had."""
        raise AssertionError("an evaluator's check compares nothing")


def _sides(spec: EvaluationSpec, queries: ScanTable, gallery: ScanTable) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the scans that ask, and of those that are searched."""
    for column in spec.ignore:
        for table in (queries, gallery):
            _column(table, column, "ignore")
    return _chosen(queries, spec, "query"), _chosen(gallery, spec, "gallery")


def over_draws(draws: Sequence[Measured], *, seed: int) -> Measured:
    """One evaluation whose queries were moved several times: each query's mean over the draws, resampled by subject.

    So a query that was drawn three times is no three queries, for the interval as for the paired tests.

    :raises MlfpError: another query could be measured in one draw than in another.
    """
    if len(draws) == 1:
        return draws[0]
    names = [name for name in draws[0] if all(name in measured for measured in draws)]
    try:
        estimates = {name: intervals.average([found[name] for found in draws], seed=seed)[0] for name in names}
    except MlfpError as error:
        what = "not every query could be measured each time that it was moved, so no mean can be taken"
        raise MlfpError(what, hints=["Move them less far, or with another seed.", *error.hints]) from error
    return Measured(
        estimates,
        exhibits=exhibits.merged([found.exhibits for found in draws]),
        notes=dict.fromkeys(note for found in draws for note in found.notes),
    )


def _across(column: str, evaluator: Evaluator, whole: Trial, asking: np.ndarray, answering: np.ndarray) -> Measured:
    measured: dict[str, Measured] = {}
    for pair, rows, columns in _pairs(column, whole, asking, answering):
        try:
            measured[pair] = Measured.of(evaluator(selected(whole, rows, columns)))
        except MlfpError as error:
            raise error.at(f"across {column}: {pair}") from None
    collected: dict[str, list[Estimate]] = {}
    single: dict[str, Estimate] = {}
    for pair, estimates in measured.items():
        for name, item in estimates.items():
            collected.setdefault(name, []).append(item)
            single[f"{name}[{pair}]"] = item
    pooled = {name: intervals.pool(items, seed=whole.seed) for name, items in collected.items()}
    return Measured(
        {**pooled, **single},
        exhibits=exhibits.merged([found.exhibits for found in measured.values()]),
        notes=[f"{pair}: {note}" for pair, found in measured.items() for note in found.notes],
    )


def _pairs(
    column: str, whole: Trial, asking: np.ndarray, answering: np.ndarray
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Every ordered pair of different values, with the positions of its queries and gallery."""
    query_values = _column(whole.queries, column, "across")[asking]
    gallery_values = _column(whole.gallery, column, "across")[answering]
    pairs = [(one, other) for one in sorted(set(query_values)) for other in sorted(set(gallery_values)) if one != other]
    if not pairs:
        raise ParameterError(
            f"across {column} needs two values of it to compare, and there is only {query_values[0]!r}",
            key=("across",),
            hints=["Name a column whose values differ, or leave 'across' out."],
        )
    for one, other in pairs:
        yield f"{one}>{other}", asking[query_values == one], answering[gallery_values == other]


def _chosen(table: ScanTable, spec: EvaluationSpec, key: str) -> np.ndarray:
    """Positions of the scans that an evaluation wants on one side."""
    try:
        return table.where(spec.query if key == "query" else spec.gallery)
    except ParameterError as error:
        raise error.under(key) from None


def _column(table: ScanTable, name: str, key: str) -> np.ndarray:
    try:
        return table.column(name)
    except ParameterError as error:
        raise error.under(key) from None


def selected(whole: Trial, queries: np.ndarray, gallery: np.ndarray) -> Trial:
    """The trial of the scans at these positions."""
    if len(queries) == len(whole.queries) and len(gallery) == len(whole.gallery):
        return whole
    asking, answering = whole.queries.select(queries), whole.gallery.select(gallery)
    return replace(
        whole,
        queries=asking,
        gallery=answering,
        similarity=Selected(whole.similarity, queries, gallery),
        query_vectors=None if whole.query_vectors is None else whole.query_vectors[queries],
        gallery_vectors=None if whole.gallery_vectors is None else whole.gallery_vectors[gallery],
        scans=None if whole.scans is None else SelectedScans(whole.scans, asking.scans, answering.scans),
    )
