"""What can be said of a comparison's components and its data before any scan but one is prepared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlfp.bench.config import BenchConfig, file_key
from mlfp.bench.plan import Material
from mlfp.bench.source import Source
from mlfp.data.prepare import prepare
from mlfp.data.probe import TRIES
from mlfp.data.scans import ScanSet
from mlfp.errors import MlfpError, ParameterError, UsageError
from mlfp.execution.progress import Progress, silent
from mlfp.plugins import registry
from mlfp.types.scan_table import ScanTable
from mlfp.wording import counted


def check_all(config: BenchConfig, material: Material, progress: Progress = silent) -> None:
    """Check whatever can be checked without training: components, batches to be filled, and what is to be measured.

    :raises MlfpError: with file and line of the first that does not fit.
    """
    check_components(config, material, progress)
    if config.protocol is None:  # which makes further splits of its own
        _check_batches(config, material.table.select(material.split.train))
    for place, _, error in unmeasurable(config, material):
        if isinstance(error, ParameterError):
            raise config.source.locate(error, ("evaluate", place)) from error
        raise error.at(config.source.where(("evaluate", place)))


def unmeasurable(config: BenchConfig, material: Material) -> Iterator[tuple[int, str, MlfpError]]:
    """Evaluations that the scans on their side do not allow: place, name, and why. A run leaves them out."""
    from mlfp.evaluation.measure import check

    for place, evaluation in enumerate(config.evaluations):
        rows = getattr(material.split, evaluation.side)
        evaluator = registry().build("evaluator", evaluation.spec)
        try:
            check(evaluation, evaluator, material.table.select(rows))
        except MlfpError as error:
            yield place, evaluation.name, error


def check_components(config: BenchConfig, material: Material, progress: Progress = silent) -> None:
    """Check every component against the first scan that can be prepared: a slip is told before all of them are.

    :raises MlfpError: with file and line of the first that does not fit, or no scan can be prepared.
    """
    _check_chain(config, material)
    try:
        first = _first(material, progress)
    except ParameterError as error:
        raise config.source.locate(error, ("preprocess",)) from error
    _check_methods(config, first.shape[0], first.spatial_dims)


def _first(material: Material, progress: Progress) -> ScanSet:
    """The first scan that can be prepared, by way of the cache, so that nothing is done twice."""
    table = material.table
    reasons: list[str] = []
    for place in range(min(TRIES, len(table))):
        try:
            return prepare(material.dataset, material.chain, table=table.select([place]), progress=progress)
        except ParameterError:
            raise
        except UsageError as error:  # none of these scans, which is this one, can be prepared
            reasons += error.hints
    raise UsageError(
        f"none of the first {counted(len(reasons), 'scan')} of {table.source} can be prepared", hints=reasons[:3]
    )


def _check_batches(config: BenchConfig, training: ScanTable) -> None:
    from mlfp.training.batches import check_batch

    for method in config.methods:
        try:
            check_batch(training, method.settings.batch)
        except ParameterError as error:
            error.key = file_key(error.key, method.keys)
            raise config.source.locate(error) from error
        except UsageError as error:
            raise error.at(config.source.where(file_key(("batch",), method.keys))) from error


def _check_chain(config: BenchConfig, material: Material) -> None:
    """Build the steps of the preprocessing, for a complaint with file and line."""
    try:
        material.chain.check()
    except ParameterError as error:
        raise config.source.locate(error, ("preprocess",)) from error


def _check_methods(config: BenchConfig, in_channels: int, spatial_dims: int) -> None:
    """Check every component of every method.

    :raises ParameterError: with file and line of the first that does not fit.
    """
    from mlfp.training.checks import check_components

    source = config.source
    for method in (*config.methods, *config.extremes()):
        try:
            check_components(method.settings, registry(), in_channels=in_channels, spatial_dims=spatial_dims)
        except ParameterError as error:
            error.key = file_key(error.key, method.keys)
            raise source.locate(error) from error
    for place, opponent in enumerate(config.opponents):
        if opponent.spec.use != "untrained":
            _located(source, ("compare_with", place), "scorer", opponent.spec, spatial_dims)
        for step, spec in enumerate(opponent.preprocess or ()):
            _located(source, ("compare_with", place, "preprocess", step), "preprocessor", spec, spatial_dims)
    for place, evaluation in enumerate(config.evaluations):
        _located(source, ("evaluate", place), "evaluator", evaluation.spec, spatial_dims)
        for step, spec in enumerate(evaluation.derive):
            _located(source, ("evaluate", place, "derive", step), "preprocessor", spec, spatial_dims)


def _located(source: Source, key: tuple[str | int, ...], kind: str, spec: Any, spatial_dims: int) -> None:
    try:
        registry().check(kind, spec, {"spatial_dims": spatial_dims})
    except ParameterError as error:
        raise source.locate(error, key) from error
