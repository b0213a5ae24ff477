"""A comparison from start to end: what is done stays done, what fails does not stop the rest."""

from __future__ import annotations

import fcntl
import shlex
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlfp.bench import checking, results
from mlfp.bench.config import BenchConfig, parse
from mlfp.bench.environment import environment
from mlfp.bench.fair import Fair
from mlfp.bench.plan import Material, Run, check_sides, evaluation_key, gather, runs
from mlfp.bench.quick import quick
from mlfp.bench.records import Record, RunFolder, to_json, write_lines, write_text
from mlfp.bench.source import Source
from mlfp.errors import MlfpError, ParameterError, nearest
from mlfp.execution.progress import Progress, silent
from mlfp.hookspecs import OWN
from mlfp.plugins import registry
from mlfp.types.remark import told

if TYPE_CHECKING:
    from mlfp.bench.execute import Workshop

Announce = Callable[[str], None]


def _quiet(line: str) -> None:
    """Announce nothing."""


def bench(
    config: Path | Mapping[str, Any] | None = None,
    *,
    data: Path | str | None = None,
    out: Path | None = None,
    overrides: Mapping[str, str] | None = None,
    only: str | None = None,
    smoke: bool = False,
    check: bool = False,
    progress: Progress = silent,
    announce: Announce = _quiet,
) -> results.BenchResult:
    """Compare methods.

    :param config: a YAML file, its values, or None for the quick comparison.
    :param data: a manifest, a folder or ``dataset:path`` that takes the place of the configuration's data.
    :param out: folder of the results; ``results/<name>`` unless given.
    :param overrides: dotted keys to YAML values, as ``--set`` takes them.
    :param only: run and show only the methods whose label fits this pattern.
    :param smoke: a few steps on a few subjects: does it run at all?
    :param check: check everything, run nothing.
    :param announce: told a line for whatever is odd about the data, and for each run that ends.
    :returns: the ranked rows, and the runs that failed.
    :raises MlfpError: the configuration or the data cannot be used; a run that fails is in the result instead.
    """
    parsed = read(config, data=data, overrides=overrides or {}, smoke=smoke, announce=announce)
    material = gather(parsed, smoke=smoke)
    for line in told(material.table.remarks):
        announce(line)
    check_sides(parsed, material.split)
    planned = runs(parsed, material, only=only)
    if only is None:
        _check_baseline(parsed, planned)
    folder = out or Path("results") / parsed.name
    fair = Fair(parsed, material, planned) if parsed.protocol is not None else None
    if check:
        checking.check_all(parsed, material, progress)
        protocol = fair.to_json() if fair is not None else {}
        return results.BenchResult(parsed.name, folder, [], [], parsed.rank_by, material.describe(), protocol=protocol)
    with locked(folder):
        _describe(folder, parsed, smoke=smoke, only=only, out=out)
        # Runs that --only leaves out may have been done before: they stay on the list.
        others = [] if only is None else runs(parsed, material)
        return _Bench(parsed, material, planned, folder, progress, announce, fair).run(others)


def _check_baseline(config: BenchConfig, planned: Sequence[Run]) -> None:
    try:
        config.significance.check(list(dict.fromkeys(run.label for run in planned)))
    except ParameterError as error:
        raise config.source.locate(error, ("significance",)) from error


def read(
    config: Path | Mapping[str, Any] | None,
    *,
    data: Path | str | None,
    overrides: Mapping[str, str],
    smoke: bool,
    announce: Announce = _quiet,
) -> BenchConfig:
    """Read a configuration with what the command line changes in it."""
    if config is None:
        source = quick(data)
    else:
        source = Source.of_mapping(config) if isinstance(config, Mapping) else Source.of_file(config)
    if data is not None:
        source.replace("data", _data(str(data), source.data.get("data"), announce), f"--data {data}")
    source.override(overrides)
    parsed = parse(source)
    return parsed.smoke() if smoke else parsed


def _data(text: str, configured: Any, announce: Announce) -> dict[str, Any]:
    """What ``--data`` says; another tree of the data set that the configuration has changes its path alone."""
    from mlfp.data.locate import locate

    found = locate(text, announce).to_config()
    same = isinstance(configured, Mapping) and configured.get("use") == found["use"]
    named = text.startswith(f"{found['use']}:") or found["use"] not in ("manifest", "folder")
    return {**configured, **found} if same and named else found


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder of results: two processes would train the same runs into the same files."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise MlfpError(
                f"another mlfp is at work in {folder}", hints=["Wait for it, or give this one its own folder: -o DIR"]
            ) from None
        yield


def _describe(folder: Path, config: BenchConfig, *, smoke: bool, only: str | None, out: Path | None) -> None:
    options = ["--smoke"] if smoke else []
    options += [] if only is None else ["--only", only]
    options += [] if out is None else ["-o", str(out)]
    write_text(folder / "bench.yaml", config.source.as_run())
    write_text(folder / "command.txt", " ".join([config.source.command(), *map(shlex.quote, options)]) + "\n")
    write_text(folder / "env.json", to_json(environment()) + "\n")


class _Bench:
    """A comparison under way."""

    def __init__(
        self,
        config: BenchConfig,
        material: Material,
        planned: Sequence[Run],
        folder: Path,
        progress: Progress,
        announce: Announce,
        fair: Fair | None = None,
    ) -> None:
        self.config = config
        self.material = material
        self.planned = planned
        self.folder = folder
        self.progress = progress
        self.announce = announce
        self.fair = fair
        self.keys = {evaluation_key(item): item for item in config.evaluations}
        self.cached: set[str] = set()
        self.failures: list[results.RunFailure] = []

    def run(self, others: Sequence[Run] = ()) -> results.BenchResult:
        """Do the runs that are not done, then rank them all.

        :param others: runs that are listed in ``results.jsonl`` too, where they are done.
        """
        if self.fair is not None:
            self.fair.begin(self.announce, self.progress)
            self.planned = list(self.fair.plan(self._validated, self._fail))
        records = {run.id: self._done(run) for run in self.planned}
        self.cached = {name for name, record in records.items() if record is not None}
        todo = [run for run in self.planned if records[run.id] is None]
        if self.fair is not None:
            self.fair.found(records.values())
        if todo:
            self._work(todo, records)
        finished = {name: record for name, record in records.items() if record is not None}
        done = [self._done(run) for run in others if run.id not in records]
        listed = [*finished.values(), *(record for record in done if record is not None)]
        write_lines(self.folder / "results.jsonl", listed)
        measured = list(self._rows(finished))
        rank_by = self._rank_by(name for row in measured for name in row.metrics)
        rows = results.ranked(measured, rank_by)
        significance = self.config.significance
        return results.BenchResult(
            name=self.config.name,
            folder=self.folder,
            rows=rows,
            failures=self.failures,
            rank_by=rank_by,
            # A record that an earlier version wrote may tell less of the same data.
            data={**next((record.data for record in finished.values()), {}), **self.material.describe()},
            papers=self._papers(finished),
            description=self.config.description,
            comparisons=significance.apply(rows, seed=self.config.split.seed),
            significance=asdict(significance),
            evaluations={item.name: key for key, item in self.keys.items()},
            protocol=self.fair.to_json() if self.fair is not None else {},
            expected=self.config.expected,
        )

    def _rank_by(self, names: Iterable[str]) -> str:
        """What the configuration ranks by; where it does not say, the first metric, if ``map_at_r`` is none of them.

        :param names: ``evaluation.metric`` of what was measured.
        :raises ParameterError: it says what no evaluation measures.
        """
        asked, source = self.config.rank_by, self.config.source
        known = dict.fromkeys(names)
        evaluation = asked.partition(".")[0]
        own = [name for name in known if name.startswith(f"{evaluation}.")]
        if asked in known or not own:
            return asked
        if "rank_by" not in source.data:
            return own[0]
        listed = ", ".join(name for name in known if "[" not in name)
        error = ParameterError(
            f"nobody was measured by {asked!r}", key=("rank_by",), hints=[*nearest(asked, known), f"Metrics: {listed}"]
        )
        raise source.locate(error)

    def _run_folder(self, run_id: str) -> RunFolder:
        return RunFolder(self.folder / "runs" / run_id)

    def _done(self, run: Run) -> Record | None:
        record = self._run_folder(run.id).record()
        return record if record is not None and set(self.keys) <= set(record.evaluations) else None

    @cached_property
    def workshop(self) -> Workshop:
        """The scans, and every component checked against them, once there is work for them."""
        # Here, and not at the top: a comparison that is done must answer without importing torch.
        from mlfp.bench.execute import Workshop

        checking.check_components(self.config, self.material, self.progress)
        for _, name, error in checking.unmeasurable(self.config, self.material):
            self.announce(f"{name} will not be measured: {error.what}")
        workshop = Workshop(self.config, self.material, self.progress)
        for failure in workshop.scans.failures:
            self.announce(f"left out {failure.scan}: {failure.reason}")
        return workshop

    def _work(self, todo: Sequence[Run], records: dict[str, Record | None]) -> None:
        from mlfp.bench.execute import execute

        workshop = self.workshop
        observers = [registry().build("observer", spec) for spec in self.config.observers]
        for place, run in enumerate(todo):
            self.progress("runs", place, len(todo))
            name = f"{place + 1}/{len(todo)} {run.label}" + (f" · seed {run.seed}" if run.kind != "scorer" else "")
            try:
                folder = self._run_folder(run.id)
                record = execute(run, workshop.of(run), folder, observers=observers, progress=self.progress)
            except Exception as error:  # one run's failure, of whatever kind, must not cost the others
                self._fail(run, error)
                # With what to do about it; the table has room for the first line alone.
                self.announce(f"{name}: failed: {error if isinstance(error, MlfpError) else _first_line(error)}")
                continue
            records[run.id] = record
            if self.fair is None or not self.fair.passed(run, record, self._summary(record)):
                self.announce(f"{name}: {self._summary(record)}")
            # A slip is told after the first method, and not after the last.
            self._rank_by(_measured(record))
        self.progress("runs", len(todo), len(todo))
        self._keep_pictures(workshop, records)

    def _keep_pictures(self, workshop: Workshop, records: Mapping[str, Record | None]) -> None:
        from mlfp.bench import pictures, saliency

        done = {name: self._run_folder(name) for name, record in records.items() if record is not None}
        try:
            pictures.keep(workshop, self.folder, [folder.path for folder in done.values()])
            saliency.keep(workshop, [(run, done[run.id]) for run in self.planned if run.id in done])
        except (MlfpError, OSError) as error:  # a comparison is worth having without them
            self.announce(f"no pictures for the report: {_first_line(error)}")

    def _validated(self, run: Run) -> tuple[Record, bool]:
        """The record of a trial's training, and whether it was made just now."""
        record = self._run_folder(run.id).record()
        if record is not None:
            return record, False
        from mlfp.bench.execute import validate

        return validate(run, self.workshop.of(run), self._run_folder(run.id), progress=self.progress), True

    def _fail(self, run: Run, error: Exception) -> None:
        details = self.folder / "failures" / f"{run.id}.txt"
        write_text(details, "".join(traceback.format_exception(error)))
        self.failures.append(results.RunFailure(run.label, run.seed, _first_line(error), details))

    def _summary(self, record: Record) -> str:
        name, _, metric = self.config.rank_by.partition(".")
        seconds = sum(record.seconds.values())
        for evaluation in record.evaluations.values():
            if evaluation["name"] == name and metric in evaluation.get("metrics", {}):
                return f"{self.config.rank_by} {evaluation['metrics'][metric]['value']:.3f} in {seconds:.0f} s"
        return f"done in {seconds:.0f} s"

    def _rows(self, finished: Mapping[str, Record]) -> Iterator[results.Row]:
        labels = dict.fromkeys(run.label for run in self.planned)
        for label in labels:
            done = [run for run in self.planned if run.label == label and run.id in finished]
            if not done:
                continue
            measured = [(finished[run.id], self._estimates(finished[run.id])) for run in done]
            cached = sum(run.id in self.cached for run in done)
            yield results.row(label, measured, cached=cached, seed=self.config.split.seed, group=done[0].group)

    def _estimates(self, record: Record) -> dict[str, dict[str, Any]]:
        folder = self._run_folder(record.id)
        return {item.name: folder.estimates(record, key) for key, item in self.keys.items()}

    def _papers(self, finished: Mapping[str, Record]) -> list[str]:
        used = {tuple(text.split(" ")[:2]) for record in finished.values() for text in record.components}
        papers = {registry().find(kind, name).paper for kind, name in sorted(used)}
        return sorted(paper for paper in papers if paper and paper != OWN)


def _measured(record: Record) -> Iterator[str]:
    for evaluation in record.evaluations.values():
        yield from (f"{evaluation['name']}.{metric}" for metric in evaluation.get("metrics", {}))


def _first_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    reason = text[0] if text else ""
    return reason if isinstance(error, MlfpError) else f"{type(error).__name__}: {reason}"
