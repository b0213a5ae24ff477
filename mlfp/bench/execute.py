"""One run: train or load, embed the test scans once, measure."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from mlfp.bench import neighbours
from mlfp.bench.behind import Behind, Method
from mlfp.bench.config import BenchConfig
from mlfp.bench.pictures import mapped
from mlfp.bench.plan import Material, Run, evaluation_key
from mlfp.bench.records import Record, RunFolder, told
from mlfp.data.chain import Chain
from mlfp.data.prepare import prepare
from mlfp.data.scans import ScanSet
from mlfp.errors import MlfpError, UsageError
from mlfp.evaluation.measure import Side, measure, over_draws
from mlfp.evaluation.settings import EvaluationSpec
from mlfp.evaluation.similarity import ScorerSimilarity, VectorSimilarity
from mlfp.execution.progress import Progress, silent
from mlfp.fingerprints import store
from mlfp.fingerprints.embedding import embed
from mlfp.fingerprints.model import FingerprintModel
from mlfp.interfaces.scorer import FittedScorer, TableScorer
from mlfp.plugins import registry
from mlfp.training import checkpoint
from mlfp.training.loop import train, untrained
from mlfp.types.fingerprints import Fingerprints
from mlfp.types.measured import Measured
from mlfp.types.scan_table import ScanTable
from mlfp.types.spec import Spec

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

#: Scans described at a time by a scorer.
BLOCK = 32


@dataclass
class Workshop:
    """The scans of a comparison, prepared on first use and shared by its runs."""

    config: BenchConfig
    material: Material
    progress: Progress = silent
    _sides: dict[str, ScanSet] = field(default_factory=dict)
    _others: dict[tuple[str, str], ScanSet] = field(default_factory=dict)
    _own: dict[str, Workshop] = field(default_factory=dict)

    @cached_property
    def scans(self) -> ScanSet:
        """All scans through the chain; those that failed are left out and on record."""
        material = self.material
        return prepare(material.dataset, material.chain, table=material.table, progress=self.progress)

    def rows(self, side: str) -> np.ndarray:
        """Positions in :attr:`scans` of one side of the split, failed scans left out."""
        wanted = set(self.material.table.scans[getattr(self.material.split, side)])
        return np.flatnonzero([scan in wanted for scan in self.scans.table.scans])

    def side(self, name: str) -> ScanSet:
        """The scans of one side of the split that is measured on.

        :raises UsageError: there are none.
        """
        if name not in self._sides:
            rows = self.rows(name)
            if len(rows) == 0:
                raise UsageError(f"no scan of the {name} side could be read, so nothing can be measured")
            self._sides[name] = self.scans.select(rows)
        return self._sides[name]

    def of(self, run: Run) -> Workshop:
        """The same scans, preprocessed as a run has it, and on the sides that it has them on."""
        if run.material is not None:
            key = run.material.chain.key
            if key not in self._own:
                self._own[key] = Workshop(self.config, run.material, self.progress, {}, self._others)
            return self._own[key]
        if run.split is None:
            return self
        # The test side is the same for all runs of a protocol, and shared; each fold has another validation side.
        material = replace(self.material, split=run.split)
        shared = {"test": self.side("test")} if len(self.rows("test")) else {}
        other = Workshop(self.config, material, self.progress, shared, self._others)
        other.__dict__["scans"] = self.scans
        return other

    @property
    def all(self) -> tuple[Workshop, ...]:
        """The comparison's own, and those of the methods that have preprocessing of their own."""
        return (self, *self._own.values())

    @property
    def shown(self) -> ScanSet:
        """The scans that a report shows: the test side, unless nothing is measured on it."""
        sides = {evaluation.side for evaluation in self.config.evaluations}
        return self.side("val" if sides == {"val"} else "test")

    def queries(self, evaluation: EvaluationSpec) -> ScanSet:
        """The scans that an evaluation asks with: derived, and moved in the scanner before the chain."""
        return self._derived(evaluation, evaluation.draws()[0].move)

    def gallery(self, evaluation: EvaluationSpec) -> ScanSet:
        """The scans that an evaluation searches: derived, but never moved."""
        return self._derived(evaluation, None)

    def _derived(self, evaluation: EvaluationSpec, move: Mapping[str, float] | None) -> ScanSet:
        side = self.side(evaluation.side)
        if move is None and not evaluation.derive:
            return side
        return self.made(self.material.dataset, self.chain(evaluation, move), side.table)

    def chain(self, evaluation: EvaluationSpec, move: Mapping[str, float] | None) -> Chain:
        """The comparison's chain with what an evaluation puts before and after it."""
        chain = self.material.chain.appended(evaluation.derive)
        return chain if move is None else chain.prepended(Spec("move", dict(move)))

    def made(self, dataset: Any, chain: Chain, table: ScanTable, *, of: str = "") -> ScanSet:
        """Scans through another chain: once, however many evaluations and methods ask.

        :param of: key of the chain that the data set's scans have gone through already.
        """
        key = (table.digest(), f"{of} {chain.key}")
        if key not in self._others:
            self._others[key] = prepare(dataset, chain, table=table, progress=self.progress)
        return self._others[key]


def execute(
    run: Run,
    workshop: Workshop,
    folder: RunFolder,
    *,
    observers: Sequence[Any] = (),
    progress: Progress = silent,
) -> Record:
    """Do what is missing of a run and write its record.

    A trained model that is there already is loaded; evaluations that are on record are kept.
    """
    record = folder.record() or _new_record(run, workshop)
    missing = {
        evaluation_key(item): item
        for item in workshop.config.evaluations
        if evaluation_key(item) not in record.evaluations
    }
    if not missing:
        return record
    if run.kind == "scorer":
        measured = _measure_scorer(run, record, workshop, missing, folder)
    else:
        models = (
            [_part(folder, part) for part in run.parts]
            if run.parts
            else [_model(run, record, workshop, folder, observers, progress)]
        )
        measured = _measure_models(models, record, workshop, missing, folder, progress)
    record.finished = datetime.now(UTC).isoformat(timespec="seconds")
    folder.write(record, measured)
    return record


def validate(run: Run, workshop: Workshop, folder: RunFolder, *, progress: Progress = silent) -> Record:
    """Train on a fold and validate; nothing is tested, and no model is kept.

    What a training ends with, a failure included, is on record and not tried again.
    """
    record = folder.record()
    if record is not None:
        return record
    assert run.settings is not None, "only scorers have no settings"
    record = _new_record(run, workshop)
    started = time.perf_counter()
    try:
        result = train(
            run.settings, workshop.scans, train_rows=workshop.rows("train"), val_rows=workshop.rows("val"),
            preprocess=workshop.material.chain.to_config(), seed=run.seed, folder=folder.path, progress=progress,
        )  # fmt: skip
    except UsageError:
        raise
    except MlfpError as error:  # a loss that is not finite: these settings are no good, and that is a result
        record.training = {"failed": error.what}
        _spend(record, "train", started)
    else:
        record.training = result.to_json()
        record.seconds["train"] = result.seconds
    record.finished = datetime.now(UTC).isoformat(timespec="seconds")
    folder.write(record, {})
    (folder.path / checkpoint.FILE).unlink(missing_ok=True)
    return record


def _part(folder: RunFolder, part: str) -> FingerprintModel:
    """The model of another run of the same comparison."""
    path = RunFolder(folder.path.parent / part).model
    if not path.exists():
        raise MlfpError("a fold's training failed, so the folds' fingerprints cannot be joined")
    return FingerprintModel.load(path)


def _new_record(run: Run, workshop: Workshop) -> Record:
    data = {**workshop.material.describe(), "failed": [item.scan for item in workshop.scans.failures]}
    return Record(run.id, run.label, run.kind, run.seed, run.to_config(), list(run.components), data)


def _model(
    run: Run, record: Record, workshop: Workshop, folder: RunFolder, observers: Sequence[Any], progress: Progress
) -> FingerprintModel:
    if folder.model.exists():
        return FingerprintModel.load(folder.model)
    assert run.settings is not None, "only scorers have no settings"
    preprocess = workshop.material.chain.to_config()
    if run.kind == "untrained":
        model = untrained(run.settings, workshop.scans, preprocess=preprocess, seed=run.seed)
        model.save(folder.model)
        return model
    result = train(
        run.settings, workshop.scans, train_rows=workshop.rows("train"), val_rows=workshop.rows("val"),
        preprocess=preprocess, seed=run.seed, folder=folder.path, observers=observers, progress=progress,
    )  # fmt: skip
    record.training = result.to_json()
    record.seconds["train"] = result.seconds
    # Before the model: whoever finds one must know which training it is of, and what it cost.
    folder.write(record, {})
    result.model.save(folder.model)
    # Only now: a run killed between the two would else have neither checkpoint nor model.
    result.discard_checkpoint()
    return result.model


def _measure_models(
    models: Sequence[FingerprintModel],
    record: Record,
    workshop: Workshop,
    missing: Mapping[str, EvaluationSpec],
    folder: RunFolder,
    progress: Progress,
) -> dict[str, Measured]:
    """Measure a model, or several whose fingerprints are laid one after the other."""
    record.parameters = sum(parameter.numel() for model in models for parameter in model.parameters())
    distance = models[0].card.distance

    def embedded(scans: ScanSet) -> Side:
        found = [embed(model, scans, progress=progress) for model in models]
        return Side(found[0].table, vectors=_joined([item.vectors for item in found], distance))

    def similarity(queries: Side, gallery: Side) -> VectorSimilarity:
        assert queries.vectors is not None, "embedded above"
        assert gallery.vectors is not None, "embedded above"
        return VectorSimilarity(queries.vectors, gallery.vectors, distance)

    method = Method(_once(embedded, record), embedded, similarity, distance)
    digest = hashlib.sha256("".join(model.digest for model in models).encode()).hexdigest()
    shown = method.describe(workshop.shown)
    _keep_fingerprints(shown, models[0].digest if len(models) == 1 else digest, distance, folder)
    return _measure(record, workshop, missing, method, {"vectors", "model"}, folder)


def _joined(parts: Sequence[np.ndarray], distance: str) -> np.ndarray:
    """(N, D of all together): under the cosine each model's vectors count as much, whatever their length."""
    if len(parts) == 1:
        return parts[0]
    if distance == "cosine":
        parts = [part / np.maximum(np.linalg.norm(part, axis=1, keepdims=True), 1e-12) for part in parts]
    return np.concatenate(parts, axis=1)


def _keep_fingerprints(side: Side, digest: str, distance: str, folder: RunFolder) -> None:
    """Those of the scans on a report's map."""
    assert side.vectors is not None, "models embed"
    kept = mapped(side.table)
    if len(kept):
        store.write(folder.path, Fingerprints(side.table, side.vectors, digest, distance).select(kept))


def _measure_scorer(
    run: Run, record: Record, workshop: Workshop, missing: Mapping[str, EvaluationSpec], folder: RunFolder
) -> dict[str, Measured]:
    assert run.scorer is not None, "this is a scorer's run"
    return _measure(record, workshop, missing, _scorer(run.scorer, record, workshop), set(), folder)


def _scorer(spec: Spec, record: Record, workshop: Workshop) -> Method:
    scans = workshop.scans
    scorer = registry().build("scorer", spec, spatial_dims=scans.spatial_dims, spacing=scans.spacing)
    if isinstance(scorer, FittedScorer):
        started = time.perf_counter()
        rows = workshop.rows("train")
        if not len(rows):
            raise UsageError(
                f"scorer {spec.use} learns from training scans, and the split leaves none",
                hints=["Give split.test a share below 1."],
            )
        scorer.fit(scans.images(rows), scans.table.select(rows))
        _spend(record, "train", started)

    def described(scans: ScanSet) -> Side:
        return Side(scans.table, features=_features(scorer, scans))

    compared: dict[tuple[int, int], ScorerSimilarity] = {}

    def similarity(queries: Side, gallery: Side) -> ScorerSimilarity:
        assert queries.features is not None, "described above"
        assert gallery.features is not None, "described above"
        # It remembers what it scored: the next evaluation of the same scans asks for the same pairs.
        key = (id(queries), id(gallery))
        if key not in compared:
            compared[key] = ScorerSimilarity(scorer, queries.features, gallery.features)
        return compared[key]

    return Method(_once(described, record), described, similarity, "cosine")


def _once(describe: Callable[[ScanSet], Side], record: Record) -> Callable[[ScanSet], Side]:
    """Describe each set of scans once, and count the time."""
    # The scans are kept beside what is known of them: an id is only theirs while they live.
    known: dict[int, tuple[ScanSet, Side]] = {}

    def kept(scans: ScanSet) -> Side:
        if id(scans) not in known:
            started = time.perf_counter()
            known[id(scans)] = scans, describe(scans)
            _spend(record, "embed", started)
        return known[id(scans)][1]

    return kept


def _features(scorer: Any, scans: ScanSet) -> Tensor:
    import torch

    if isinstance(scorer, TableScorer):
        return scorer.describe_table(scans.table)
    blocks = [np.arange(start, min(start + BLOCK, len(scans))) for start in range(0, len(scans), BLOCK)]
    return torch.cat([scorer.describe(scans.images(block)) for block in blocks])


def _measure(
    record: Record,
    workshop: Workshop,
    missing: Mapping[str, EvaluationSpec],
    method: Method,
    provides: set[str],
    folder: RunFolder,
) -> dict[str, Measured]:
    seen: list[pd.DataFrame] = []
    measured: dict[str, Measured] = {}
    seed = workshop.config.split.seed

    def other(spec: Spec) -> Method:
        return _scorer(spec, record, workshop)

    for key, evaluation in missing.items():
        evaluator = registry().build("evaluator", evaluation.spec)
        need = evaluator.needs
        if need not in {"ranking", "scores", "scans"} | provides:
            record.evaluations[key] = {"name": evaluation.name, "skipped": f"needs {need}, and this method has none"}
            continue
        draws: list[Measured] = []
        try:
            for drawn in evaluation.draws():
                asking, answering = workshop.queries(drawn), workshop.gallery(drawn)
                queries, gallery = method.describe(asking), method.describe(answering)
                witness = neighbours.Witness(evaluator, key, asking.chain, answering.chain)
                started = time.perf_counter()
                found = measure(
                    drawn, evaluator if draws else witness, queries, gallery, similarity=method.similarity,
                    distance=method.distance, seed=seed, scans=Behind(workshop, drawn, method, other, seed),
                    progress=workshop.progress,
                )  # fmt: skip
                _spend(record, "evaluate", started)
                seen += witness.frames  # of the first draw alone: they are there to be looked at
                draws.append(found)
            measured[key] = over_draws(draws, seed=seed)
        except MlfpError as error:  # what cannot be measured on these scans must not cost what can
            record.evaluations[key] = {"name": evaluation.name, "skipped": error.what}
            continue
        record.evaluations[key] = told(evaluation.name, measured[key])
    neighbours.write(folder.path, seen)
    return measured


def _spend(record: Record, what: str, started: float) -> None:
    record.seconds[what] = record.seconds.get(what, 0.0) + time.perf_counter() - started
