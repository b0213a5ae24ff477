"""Comparing methods: run a comparison, read its result, write its page, set two beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlfp.api.common import Announce, config_of, path_of, unheard
from mlfp.bench import engine
from mlfp.bench.results import BenchResult
from mlfp.errors import UsageError
from mlfp.execution.progress import Progress, silent
from mlfp.report import saved

if TYPE_CHECKING:
    from mlfp.bench.duel import Duel


def bench(
    config: Path | str | Mapping[str, Any] | None = None,
    *,
    data: Path | str | None = None,
    out: Path | str | None = None,
    overrides: Mapping[str, str] | None = None,
    only: str | None = None,
    smoke: bool = False,
    check: bool = False,
    progress: Progress = silent,
    announce: Announce = unheard,
) -> BenchResult:
    """Compare methods, and write ``report.html`` and ``report.md`` beside the results.

    :param config: a YAML file, its values as a mapping, or None for the quick comparison.
    :param data: a manifest, a folder or ``dataset:path`` that takes the place of the configuration's data.
    :param out: folder of the results; ``results/<name>`` unless given.
    :param overrides: dotted keys to YAML values, such as ``{"base.train.epochs": "5"}``.
    :param only: run and show only the methods whose label fits this pattern.
    :param smoke: a few steps on a few subjects: does it run at all?
    :param check: check everything, run nothing.
    :raises MlfpError: the configuration or the data cannot be used; a run that fails is in the result instead.
    """
    result = engine.bench(
        config_of(config), data=data, out=path_of(out), overrides=overrides, only=only, smoke=smoke, check=check,
        progress=progress, announce=announce,
    )  # fmt: skip
    # A part of the comparison must not take the place of the whole in its report.
    if not check and only is None:
        saved.write(result)
    return result


def report(folder: Path | str, *, rank_by: str | None = None) -> BenchResult:
    """The result of a finished comparison.

    :param folder: of the results.
    :param rank_by: rank by this metric (``evaluation.metric``) instead of the configuration's.
    :raises UsageError: there is none, or it has no such metric.
    """
    return saved.read(Path(folder), rank_by=rank_by)


def page(folder: Path | str, *, rank_by: str | None = None, redact: bool = False) -> Path:
    """Write the report of a finished comparison as one HTML file into its folder; gives the file's path.

    :param folder: of the results.
    :param rank_by: rank by this metric (``evaluation.metric``) instead of the configuration's.
    :param redact: leave out pictures, and the names of scans, subjects and files: ``report-redacted.html``.
    :raises UsageError: there is no result, it has no such metric, or the file cannot be written.
    """
    result = saved.read(Path(folder), rank_by=rank_by)
    try:
        return saved.write_page(result, redact=redact)
    except OSError as error:
        raise UsageError(
            f"the report cannot be written: {error}", hints=["Copy the folder to where you may."]
        ) from None


def compare(
    first: Path | str,
    second: Path | str,
    *,
    metrics: Sequence[str] = (),
    level: float = 0.05,
    seed: int = 0,
) -> Duel:
    """Test whether two finished comparisons, or two methods, differ on the queries that they share.

    :param first: the folder of a comparison, or ``folder:method`` for one method of it.
    :param second: another; two folders are compared method by method.
    :param metrics: ``evaluation.metric``, or patterns of it; what ``first`` ranks by unless given.
    :param level: the chance of any false alarm by a metric.
    :param seed: of the resamples and of the swaps.
    :raises UsageError: there is nothing to compare, or a folder does not hold the values of single queries.
    """
    from mlfp.bench.duel import Fighter, duel

    def side(given: Path | str) -> Fighter:
        folder, label = _method_of(str(given))
        return Fighter(saved.read(folder), label)

    return duel(side(first), side(second), metrics=tuple(metrics), level=level, seed=seed)


def _method_of(text: str) -> tuple[Path, str | None]:
    """``folder:method`` in two; a folder may have a colon in its name."""
    if Path(text).exists():
        return Path(text), None
    for place in [place for place, letter in enumerate(text) if letter == ":"]:
        if Path(text[:place]).is_dir():
            return Path(text[:place]), text[place + 1 :]
    return Path(text), None
