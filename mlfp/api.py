"""The doors from Python, each the same as the command of its name: ``import mlfp; mlfp.bench("losses.yaml")``.

Calls are silent unless given ``progress`` and ``announce``. Nothing here imports torch until there is work for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlfp.bench import engine
from mlfp.bench.config import BenchConfig
from mlfp.bench.plan import Material, Run, gather, runs
from mlfp.bench.records import Record, RunFolder
from mlfp.bench.results import BenchResult
from mlfp.errors import ParameterError, UsageError
from mlfp.execution.progress import Progress, silent
from mlfp.report import saved

if TYPE_CHECKING:
    from mlfp.data.scans import ScanFailure
    from mlfp.types.fingerprints import Fingerprints
    from mlfp.types.measured import Measured

__all__ = ["Embedded", "Trained", "bench", "embed", "evaluate", "report", "train"]

#: Told a line for whatever ends, or is left out.
Announce = Callable[[str], None]


def _unheard(line: str) -> None:
    """Announce nothing."""


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
    announce: Announce = _unheard,
) -> BenchResult:
    """Compare methods, and write ``report.md`` beside the results.

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
        _config(config), data=data, out=_path(out), overrides=overrides, only=only, smoke=smoke, check=check,
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


@dataclass(frozen=True)
class Trained:
    """A trained method.

    :param label: the method's name.
    :param model: the file with weights and card.
    :param record: settings and costs.
    :param measured: by evaluation, what was measured on the test side.
    """

    label: str
    model: Path
    record: Record
    measured: dict[str, Measured]


def train(
    config: Path | str | Mapping[str, Any],
    *,
    data: Path | str | None = None,
    out: Path | str | None = None,
    overrides: Mapping[str, str] | None = None,
    only: str | None = None,
    smoke: bool = False,
    progress: Progress = silent,
    announce: Announce = _unheard,
) -> Trained:
    """Train one method of a comparison, with its first seed; a training that was stopped goes on.

    :param out: folder of the model and its record; ``models/<name>`` unless given.
    :param only: a pattern that fits the label of one method; needed where the configuration has several.
    :raises UsageError: the configuration has no method, or several that fit; or the folder holds another training.
    """
    parsed = engine.read(_config(config), data=data, overrides=overrides or {}, smoke=smoke)
    material = gather(parsed, smoke=smoke)
    run = _the_one([run for run in runs(parsed, material, only=only) if run.kind == "trained"])
    folder = RunFolder(_path(out) or Path("models") / parsed.name)
    with engine.locked(folder.path):
        return _trained(parsed, material, run, folder, progress=progress, announce=announce)


def _trained(
    parsed: BenchConfig, material: Material, run: Run, folder: RunFolder, *, progress: Progress, announce: Announce
) -> Trained:
    there = folder.record()
    if there is not None and there.id != run.id:
        raise UsageError(
            f"{folder.path} holds another training: {there.label}, seed {there.seed}",
            hints=["Give this one a folder of its own: -o DIR", "Or delete that one."],
        )
    from mlfp.bench.execute import Workshop, execute
    from mlfp.plugins import registry

    workshop = Workshop(parsed, material, progress)
    _announce_failures(workshop.scans.failures, announce)
    engine.check_methods(parsed, workshop.scans.shape[0], workshop.scans.spatial_dims)
    observers = [registry().build("observer", spec) for spec in parsed.observers]
    record = execute(run, workshop, folder, observers=observers, progress=progress)
    measured = {item["name"]: folder.estimates(record, key) for key, item in record.evaluations.items()}
    return Trained(run.label, folder.model, record, measured)


def _the_one(found: Sequence[Run]) -> Run:
    labels = list(dict.fromkeys(run.label for run in found))
    if not labels:
        raise UsageError("the configuration has no method to train", hints=["Write one under 'base'."])
    if len(labels) > 1:
        raise UsageError(
            f"the configuration has {len(labels)} methods, and one can be trained at a time",
            hints=[f"Choose: --only {labels[0]!r}", f"Methods: {', '.join(labels)}", "To compare them: mlfp bench"],
        )
    return found[0]


@dataclass(frozen=True)
class Embedded:
    """Fingerprints, and the scans that could not be read.

    :param store: the file they were written to, if any.
    """

    fingerprints: Fingerprints
    failures: list[ScanFailure] = field(default_factory=list)
    store: Path | None = None


def embed(
    data: Path | str,
    *,
    model: Path | str,
    out: Path | str | None = None,
    batch_size: int | None = None,
    device: str = "auto",
    progress: Progress = silent,
    announce: Announce = _unheard,
) -> Embedded:
    """Turn scans into fingerprints, preprocessed as the model's card says.

    :param data: a manifest, a folder or ``dataset:path``.
    :param model: a model's file, or the folder that ``mlfp train`` wrote.
    :param out: folder of the store to write; nothing is written without it.
    :param batch_size: scans a forward pass; chosen by their size unless given.
    :raises UsageError: there is no such data or model, or the scans do not fit it.
    """
    from mlfp.data.chain import Chain
    from mlfp.data.locate import locate
    from mlfp.data.prepare import prepare
    from mlfp.fingerprints import embedding, store
    from mlfp.fingerprints.model import FingerprintModel
    from mlfp.plugins import registry
    from mlfp.types.spec import Spec

    loaded = FingerprintModel.load(_model_file(Path(model)))
    dataset = registry().build("dataset", locate(str(data)))
    chain = Chain([Spec.parse(step) for step in loaded.card.preprocess])
    scans = prepare(dataset, chain, progress=progress)
    _announce_failures(scans.failures, announce)
    fingerprints = embedding.embed(loaded, scans, batch_size=batch_size, device=device, progress=progress)
    written = None if out is None else store.write(Path(out), fingerprints)
    return Embedded(fingerprints, list(scans.failures), written)


def evaluate(
    store: Path | str | Fingerprints, *, evaluators: Sequence[Any] = ("retrieval",), seed: int = 0
) -> dict[str, Measured]:
    """Measure how well fingerprints find their subject.

    :param store: the folder that ``mlfp embed`` wrote, or fingerprints.
    :param evaluators: as under ``evaluate`` in a configuration: names, or mappings with ``use``.
    :param seed: of the bootstrap and of what is drawn.
    :returns: by evaluation: metric names to estimates.
    :raises UsageError: no such store; or an evaluator that needs more than fingerprints.
    """
    from mlfp.evaluation.measure import Side, measure
    from mlfp.evaluation.settings import EvaluationSpec
    from mlfp.evaluation.similarity import VectorSimilarity
    from mlfp.fingerprints import store as stores
    from mlfp.plugins import registry
    from mlfp.types.fingerprints import Fingerprints

    fingerprints = store if isinstance(store, Fingerprints) else stores.read(Path(store))
    side = Side(fingerprints.table, vectors=fingerprints.vectors)
    similarity = VectorSimilarity(fingerprints.vectors, fingerprints.vectors, fingerprints.distance)
    measured: dict[str, Measured] = {}
    for spec in [EvaluationSpec.parse(item) for item in evaluators]:
        evaluator = registry().build("evaluator", spec.spec)
        _check_needs(spec.name, evaluator.needs, others=spec.move is not None or bool(spec.derive))
        if spec.side != "test":
            raise UsageError(
                f"evaluation {spec.name!r} measures on the {spec.side} side, and a store is measured as a whole",
                hints=["Choose by a column instead, if the table has one: query: {split: val}, gallery: {split: val}"],
            )
        if spec.name in measured:
            raise ParameterError(
                f"two evaluations are called {spec.name!r}", hints=["Give one a name: {use: ..., name: ...}"]
            )
        measured[spec.name] = measure(
            spec, evaluator, side, side, similarity=lambda queries, gallery: similarity,
            distance=fingerprints.distance, seed=seed,
        )  # fmt: skip
    return measured


def _check_needs(name: str, needs: str, *, others: bool) -> None:
    if needs == "model" or others:
        wanted = "the model itself" if needs == "model" else "the scans, to make others of them"
        raise UsageError(
            f"evaluation {name!r} needs {wanted}, and a store holds fingerprints alone",
            hints=["Measure it in a comparison: mlfp bench CONFIG"],
        )


def _announce_failures(failures: Sequence[ScanFailure], announce: Announce) -> None:
    for failure in failures:
        announce(f"left out {failure.scan}: {failure.reason}")


def _model_file(path: Path) -> Path:
    if path.is_dir():
        file = path / "model.safetensors"
        if not file.is_file():
            raise UsageError(
                f"no model in {str(path)!r}",
                hints=[
                    "Train one: mlfp train CONFIG",
                    "Those of a comparison lie in its runs/ID.",
                ],
            )
        return file
    return path


def _config(config: Path | str | Mapping[str, Any] | None) -> Path | Mapping[str, Any] | None:
    return Path(config) if isinstance(config, str) else config


def _path(path: Path | str | None) -> Path | None:
    return None if path is None else Path(path)
