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
    from mlfp.bench.duel import Duel
    from mlfp.data.inspect import Inspection
    from mlfp.data.scans import ScanFailure
    from mlfp.explain.scans import Explanation
    from mlfp.fingerprints.removal import Removed
    from mlfp.leaks.calibration import Calibration
    from mlfp.leaks.result import Leaks
    from mlfp.preparing.run import Outcome
    from mlfp.search.find import Hit
    from mlfp.types.fingerprints import Fingerprints
    from mlfp.types.measured import Measured

__all__ = [
    "Embedded",
    "Trained",
    "bench",
    "calibrate",
    "compare",
    "embed",
    "evaluate",
    "explain",
    "inspect",
    "leaks",
    "page",
    "prepare",
    "report",
    "search",
    "store_add",
    "store_remove",
    "train",
]

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


def prepare(
    data: Path | str,
    *,
    out: Path | str,
    shard: tuple[int, int] = (1, 1),
    workers: int | None = None,
    sheet: int = 24,
    progress: Progress = silent,
    announce: Announce = _unheard,
    **settings: Any,
) -> Outcome:
    """Bring scans into one space, remove outliers, normalise, and keep the results as files with a manifest.

    :param out: folder of the results, laid out as BIDS derivatives; what is done there is not done again.
    :param shard: (i, n): every n-th scan from the i-th; shards share the folder.
    :param sheet: scans to draw on the contact sheet; 0 draws none.
    :param settings: see :class:`mlfp.preparing.settings.Settings`.
    :raises UsageError: there is no such data, a setting cannot be used, or no scan can be prepared.
    """
    from mlfp.data.locate import locate
    from mlfp.plugins import registry
    from mlfp.preparing import sheet as sheets
    from mlfp.preparing.run import prepare_data
    from mlfp.preparing.settings import Settings

    dataset, chosen = registry().build("dataset", locate(str(data))), Settings(**settings)
    outcome = prepare_data(dataset, Path(out), chosen, shard=shard, workers=workers, progress=progress)
    _announce_failures(outcome.failures, announce)
    if sheet:
        sheets.draw(outcome.table, Path(out), chosen, most=sheet, progress=progress)
    return outcome


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
    :param fresh: how many were embedded now; the others were in the store already.
    """

    fingerprints: Fingerprints
    failures: list[ScanFailure] = field(default_factory=list)
    store: Path | None = None
    fresh: int = 0


def embed(
    data: Path | str,
    *,
    model: Path | str | None = None,
    out: Path | str | None = None,
    shard: str | None = None,
    batch_size: int | None = None,
    device: str = "auto",
    progress: Progress = silent,
    announce: Announce = _unheard,
) -> Embedded:
    """Turn scans into fingerprints, preprocessed as the model's card says.

    With ``out`` they are written down as they are made: what is in the store and has not changed is not made again, a
    killed run goes on where it was, and scans that cannot be used are rows of ``failures.csv`` there.

    :param data: a manifest, a folder or ``dataset:path``.
    :param model: a model's file, the folder that ``mlfp train`` wrote, or the name of a published one; may be left out
        where the store has one.
    :param out: folder of the store to write; nothing is written without it.
    :param shard: ``i/n``: only one of n shares of the scans; several processes may fill one store.
    :param batch_size: scans a forward pass; chosen by their size unless given.
    :raises UsageError: there is no such data or model, or the scans do not fit it.
    """
    from mlfp.data.chain import Chain
    from mlfp.data.locate import locate
    from mlfp.data.prepare import prepare
    from mlfp.fingerprints import embedding, store
    from mlfp.fingerprints.filling import fill
    from mlfp.fingerprints.model import FingerprintModel
    from mlfp.fingerprints.parts import Shard
    from mlfp.plugins import registry
    from mlfp.types.spec import Spec

    loaded = FingerprintModel.load(_model_of(model, out))
    if out is not None:
        filled = fill(
            Path(out), loaded, locate(str(data)), shard=Shard.parse(shard) if shard else None, batch_size=batch_size,
            device=device, progress=progress,
        )  # fmt: skip
        _announce_failures(filled.failures, announce)
        return Embedded(store.read(Path(out)), filled.failures, filled.store, filled.embedded)
    dataset = registry().build("dataset", locate(str(data)))
    chain = Chain([Spec.parse(step) for step in loaded.card.preprocess])
    scans = prepare(dataset, chain, progress=progress)
    _announce_failures(scans.failures, announce)
    fingerprints = embedding.embed(loaded, scans, batch_size=batch_size, device=device, progress=progress)
    return Embedded(fingerprints, list(scans.failures), fresh=len(scans))


def _model_of(model: Path | str | None, out: Path | str | None) -> Path:
    """The model that was named, or the store's own."""
    from mlfp.fingerprints.locate import FILE, model_file

    if model is not None:
        return model_file(model)
    if out is not None and (Path(out) / FILE).is_file():
        return Path(out) / FILE
    raise UsageError("no model was named", hints=["Name one: --model DIR, what mlfp train CONFIG wrote."])


def search(
    store: Path | str, scan: Path | str, *, k: int = 5, not_same: bool = False, index: str = "exact"
) -> list[Hit]:
    """The scans of a store that look most like one scan, nearest first.

    :param scan: its id in the store, or a file, which is embedded with the store's own model.
    :param not_same: leave out scans under the same subject id: similar anatomy of other people.
    :param index: a component, or ``auto`` by the store's size.
    :raises UsageError: there is no such store or scan.
    """
    from mlfp.search.find import find

    return find(Path(store), str(scan), k=k, not_same=not_same, index=index)[1]


def store_add(
    store: Path | str, data: Path | str, *, progress: Progress = silent, announce: Announce = _unheard
) -> Embedded:
    """Embed a data set's new scans into a store, with the model that the store keeps.

    :raises UsageError: there is no such store, or it keeps no model.
    """
    from mlfp.fingerprints.locate import FILE

    if not (Path(store) / FILE).is_file():
        raise UsageError(f"there is no store with a model at {store}", hints=["Make one: mlfp embed DATA -o STORE"])
    return embed(data, out=store, progress=progress, announce=announce)


def store_remove(
    store: Path | str, *, scans: Sequence[str] = (), where: Mapping[str, Any] | None = None, purge: bool = False
) -> Removed:
    """Take scans out of a store.

    :param scans: ids.
    :param where: a condition on the table, such as ``{"subject": "007"}``.
    :param purge: also delete what the cache holds of them. Their own files are left alone.
    :raises UsageError: there is no such store, or no such scan in it.
    """
    from mlfp.fingerprints.removal import remove

    return remove(Path(store), scans=scans, where=where, purge=purge)


def inspect(
    data: Path | str,
    *,
    parameters: Mapping[str, Any] | None = None,
    read: bool = True,
    html: Path | str | None = None,
    write: Path | str | None = None,
    progress: Progress = silent,
) -> Inspection:
    """Look at a data set before a comparison does.

    :param data: a manifest, a folder or ``dataset:path``.
    :param parameters: of the data set, such as ``{"split": "packhaeuser"}``.
    :param read: without, the table alone is looked at.
    :param html: a page to write, with small pictures of some scans.
    :param write: a configuration to write: the comparison that is suggested for these scans.
    :raises UsageError: there is no such data, or ``write`` is asked for and none can be suggested.
    """
    from mlfp.data.locate import located
    from mlfp.report.inspection import look

    return look(located(str(data), parameters), read=read, html=_path(html), write=_path(write), progress=progress)


def calibrate(
    *stores: Path | str,
    model: Path | str | None = None,
    verified: int = 200,
    workers: int | None = None,
    progress: Progress = silent,
) -> Calibration:
    """Learn from labelled stores what a score means, and write it into the model.

    :param stores: folders that ``mlfp embed`` wrote, whose subject ids are right.
    :param model: the model to write into besides the stores' own copies.
    :param verified: pairs of each kind to lay over each other, for the odds of verified pairs; 0 leaves that out.
    :param workers: processes that do so.
    :raises UsageError: no such store, or too few pairs.
    """
    from mlfp.fingerprints import store as reading
    from mlfp.leaks import between
    from mlfp.leaks.calibrate import calibrate as learn
    from mlfp.leaks.material import names_of

    named = list(zip(names_of(stores), (reading.read(Path(store)) for store in stores), strict=True))
    made = learn(named, verified=verified, workers=workers, progress=progress)
    for place in [*stores, *([] if model is None else [model])]:
        between.keep(Path(place), made)
    return made


def leaks(
    *data: Path | str,
    out: Path | str,
    model: Path | str | None = None,
    calibration: Path | str | None = None,
    redact: bool | str = False,
    device: str = "auto",
    workers: int | None = None,
    progress: Progress = silent,
    announce: Announce = _unheard,
    **settings: Any,
) -> Leaks:
    """Find scans of one subject under different ids, within and across data sets and splits.

    Writes ``pairs.csv``, ``clusters.csv``, ``conflicts.csv``, ``summary.json``, repaired splits and ``report.html``.

    :param data: stores, or data to embed: manifests, folders, ``dataset:path``.
    :param out: folder of the results.
    :param model: what embeds data that are no stores.
    :param calibration: a model, store or JSON file whose calibration to use in place of the model's own.
    :param redact: ids as keyed hashes; a text is the key, True draws one and forgets it.
    :param settings: fields of :class:`mlfp.leaks.result.Settings`.
    :raises UsageError: nothing to compare, no calibration, or a rate that it does not support.
    """
    from mlfp.leaks.between import search as between
    from mlfp.leaks.result import Settings
    from mlfp.report import leaks as page

    found, material = between(
        data, Path(out), Settings(**settings), model=model, calibration=calibration, redact=redact, device=device,
        workers=workers, progress=progress, announce=announce,
    )  # fmt: skip
    page.write(Path(out), found, pictures=None if redact else material)
    return found


def evaluate(
    store: Path | str | Fingerprints,
    *,
    evaluators: Sequence[Any] = ("retrieval",),
    seed: int = 0,
    progress: Progress = silent,
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
            distance=fingerprints.distance, seed=seed, progress=progress,
        )  # fmt: skip
    return measured


def explain(
    model: Path | str, scans: Sequence[Path | str], *, out: Path | str, wanted: Sequence[str] = (), **settings: Any
) -> Explanation:
    """Write which voxels the fingerprints of scans look at, as PNG and NIfTI.

    :param model: a model's file, the folder that ``mlfp train`` wrote, or the name of a published one.
    :param scans: files of scans; or a manifest, a folder or ``dataset:path``, with the ids ``wanted``.
    :param settings: see :func:`mlfp.explain.scans.explain`: ``layer``, ``method``, ``fast``, ``elements``, ...
    :raises UsageError: there is no such model, scan or layer, or they do not fit one another.
    """
    from mlfp.explain import scans as explaining
    from mlfp.fingerprints.locate import model_file
    from mlfp.fingerprints.model import FingerprintModel

    volumes = explaining.volumes_of([str(scan) for scan in scans], wanted)
    return explaining.explain(FingerprintModel.load(model_file(model)), volumes, Path(out), **settings)


def _check_needs(name: str, needs: str, *, others: bool) -> None:
    if needs in ("model", "scans") or others:
        wanted = "the model itself" if needs == "model" else "the scans, to make others of them"
        raise UsageError(
            f"evaluation {name!r} needs {wanted}, and a store holds fingerprints alone",
            hints=["Measure it in a comparison: mlfp bench CONFIG"],
        )


def _announce_failures(failures: Sequence[ScanFailure], announce: Announce) -> None:
    for failure in failures:
        announce(f"left out {failure.scan}: {failure.reason}")


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


def _config(config: Path | str | Mapping[str, Any] | None) -> Path | Mapping[str, Any] | None:
    return Path(config) if isinstance(config, str) else config


def _path(path: Path | str | None) -> Path | None:
    return None if path is None else Path(path)
