"""Which runs a comparison consists of, each known by what decides its numbers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np

from mlfp.bench.config import BenchConfig, Method
from mlfp.bench.opponents import UNTRAINED, Opponent
from mlfp.bench.records import SCHEMA
from mlfp.bench.split import grouped_by
from mlfp.data.chain import Chain
from mlfp.data.prepare import digest_of
from mlfp.data.splits import Split
from mlfp.errors import ParameterError, UsageError, nearest
from mlfp.evaluation.settings import EvaluationSpec
from mlfp.hookspecs import KINDS
from mlfp.plugins import registry
from mlfp.registry import PART
from mlfp.training.settings import TrainingSettings
from mlfp.types.scan_table import ScanTable
from mlfp.types.spec import Spec

#: Subjects kept by a smoke run.
SMOKE_SUBJECTS = 16


@dataclass(frozen=True)
class Material:
    """The data of a comparison, before a pixel is read.

    :param dataset: the data set.
    :param component: its id and version.
    :param table: its scans.
    :param split: who is on which side.
    :param digest: hash of the table, of the files' contents and of the chain.
    """

    dataset: Any
    component: str
    table: ScanTable
    chain: Chain
    split: Split
    digest: str

    def through(self, chain: Chain) -> Material:
        """The same scans, preprocessed otherwise."""
        digest = _hash(self.component, digest_of(self.dataset, self.table, chain))
        return replace(self, chain=chain, digest=digest)

    def describe(self) -> dict[str, Any]:
        """For records: what was measured on what."""
        sides = {"train": self.split.train, "val": self.split.val, "test": self.split.test}
        subjects = self.table.subjects
        counts = {name: {"scans": len(rows), "subjects": len(set(subjects[rows]))} for name, rows in sides.items()}
        return {
            "dataset": self.component,
            "source": Path(self.table.source).name,
            "digest": self.digest,
            "split": self.split.digest,
            **counts,
            "test": {**counts["test"], **_sessions(self.table, self.split.test)},
        }


def _sessions(table: ScanTable, rows: np.ndarray) -> dict[str, int]:
    """How many subjects have several scans, all of known session, and for how many of them it is the same session."""
    if "session" not in table.columns:
        return {}
    sessions: dict[str, list[str]] = {}
    for subject, session in zip(table.subjects[rows], table.column("session")[rows], strict=True):
        sessions.setdefault(str(subject), []).append(str(session))
    known = [found for found in sessions.values() if len(found) > 1 and not {"", "nan"} & set(found)]
    return {"with_sessions": len(known), "of_one_session": sum(len(set(found)) == 1 for found in known)}


@dataclass(frozen=True)
class Run:
    """One training (or none) with one seed.

    :param id: hash of everything that decides its numbers, evaluations aside: the name of its folder.
    :param kind: ``trained``, ``untrained`` or ``scorer``; ``trial``: trained and validated, never tested; ``joined``:
        the fingerprints of several trained ones as one.
    :param settings: of the training, or of the encoder that stays untrained; None for a scorer.
    :param scorer: None unless it is one.
    :param material: scans that were preprocessed as this method has it; None where they are the comparison's.
    :param split: who is on which side; None where it is the comparison's.
    :param fold: number of the split, counted from 1, where there are several.
    :param parts: ids of the runs that are joined.
    :param group: the rows that its row is tested against.
    """

    id: str
    label: str
    kind: str
    seed: int
    components: tuple[str, ...]
    settings: TrainingSettings | None = None
    scorer: Spec | None = None
    material: Material | None = None
    split: Split | None = None
    fold: int | None = None
    parts: tuple[str, ...] = ()
    group: str = ""

    def to_config(self) -> dict[str, Any]:
        """The settings with their defaults, for the record."""
        if self.scorer is not None:
            own = {} if self.material is None else {"preprocess": self.material.chain.to_config()}
            return {**self.scorer.to_config(), **own}
        if self.parts:
            return {"parts": list(self.parts)}
        return self.settings.decisive() if self.settings is not None else {}


def gather(config: BenchConfig, *, smoke: bool = False) -> Material:
    """List the scans, split them, and hash what lies behind them; reads headers of files at most.

    :raises ParameterError: the data set, the chain or the split cannot be made as configured.
    """
    try:
        dataset = registry().build("dataset", config.data)
        table = dataset.table()
    except ParameterError as error:
        raise config.source.locate(error, ("data",)) from error
    except UsageError as error:
        raise error.at(config.source.where(("data",))) from error
    if len(table) == 0:
        raise UsageError(
            f"{table.source} lists no scan",
            where=config.source.where(("data",)),
            hints=["Below its line of column names, a manifest has a line for each scan."],
        )
    if smoke:
        table = table.select(table.where({"subject": _few(config.split.apply(table), table)}))
    chain = Chain(config.preprocess)
    component = _component("dataset", config.data)
    digest = digest_of(dataset, table, chain)
    return Material(dataset, component, table, chain, _split(config, table), _hash(component, digest))


def _split(config: BenchConfig, table: ScanTable) -> Split:
    """Who is on which side; under a protocol all that are not tested on are there to be trained on."""
    if config.protocol is None:
        return config.split.apply(table)
    split = replace(config.split, by=grouped_by(config.split, config.protocol, table)).apply(table)
    sides = np.full(len(table), "train", dtype=object)
    sides[split.test] = "test"
    return Split.of(table, sides)


def check_sides(config: BenchConfig, split: Split) -> None:
    """Refuse an evaluation on a side of the split that has no scans.

    :raises ParameterError: with file and line.
    """
    for place, evaluation in enumerate(config.evaluations):
        if len(getattr(split, evaluation.side)) == 0:
            key, name = ("evaluate", place, "side"), evaluation.name
            error = ParameterError(
                f"evaluation {name!r} measures on the {evaluation.side} side, and the split leaves it no scans",
                hints=[f"Give it a share of the subjects: split: {{{evaluation.side}: 0.15}}"],
            )
            raise config.source.locate(error, key)


def _few(split: Split, table: ScanTable) -> list[str]:
    """A few subjects of each side, so that a split that a column tells still has somebody on every side."""
    sides = [sorted(set(table.subjects[rows])) for _, rows in split if len(rows)]
    return [subject for side in sides for subject in side[: SMOKE_SUBJECTS // len(sides)]]


def runs(config: BenchConfig, material: Material, *, only: str | None = None) -> list[Run]:
    """Every run of a comparison, or those whose label fits a pattern.

    :raises UsageError: no label fits.
    """
    found = [run for opponent in config.opponents for run in _opponent_runs(opponent, config, material)]
    found += [_trained(method, seed, material) for method in config.methods for seed in config.seeds]
    if only is None:
        return found
    chosen = [run for run in found if fnmatch(run.label, only)]
    if not chosen:
        labels = sorted({run.label for run in found})
        raise UsageError(
            f"no method's label fits --only {only!r}", hints=[*nearest(only, labels), f"Labels: {', '.join(labels)}"]
        )
    return chosen


def evaluation_key(evaluation: EvaluationSpec) -> str:
    """What decides an evaluation's numbers, as a short hash."""
    steps = [_component("preprocessor", step) for step in evaluation.derive]
    return _hash(evaluation.to_config(), _component("evaluator", evaluation.spec), *steps)


def _trained(method: Method, seed: int, material: Material) -> Run:
    components = tuple(_component(kind, spec) for _, kind, spec in method.components())
    return _run(method.label, "trained", seed, components, material, settings=method.settings)


def on_fold(method: Method, seed: int, material: Material, split: Split, fold: int, *, kind: str = "trained") -> Run:
    """The training of a method on one fold.

    :param split: the fold's, of the material's scans.
    :param fold: its number, counted from 1.
    :param kind: ``trained``, or ``trial`` where only its validation counts.
    """
    run = _trained(method, seed, replace(material, split=split))
    if kind != run.kind:
        run = replace(run, kind=kind, id=_hash(kind, run.id))
    return replace(run, split=split, fold=fold)


def joined(parts: Sequence[Run]) -> Run:
    """The fingerprints of several runs of a method, one after the other, as one."""
    first = parts[0]
    run = Run("", f"{first.label}, concatenated", "joined", first.seed, first.components, group="concatenated",
              parts=tuple(part.id for part in parts))  # fmt: skip
    return replace(run, id=_hash(SCHEMA, run.kind, run.parts))


def _opponent_runs(opponent: Opponent, config: BenchConfig, material: Material) -> list[Run]:
    if opponent.spec.use != UNTRAINED:
        # Nothing about a scorer depends on the seed of a training.
        components = (_component("scorer", opponent.spec),)
        own = None if opponent.preprocess is None else material.through(Chain(opponent.preprocess))
        return [_run(opponent.label, "scorer", 0, components, material, scorer=opponent.spec, own=own)]
    encoders: dict[str, TrainingSettings] = {}
    for method in config.methods:
        # Whatever only matters in training is left at its defaults, so that it cannot split or repeat the row.
        settings = TrainingSettings(encoder=method.settings.encoder, distance=method.settings.distance)
        encoders.setdefault(_hash(settings.encoder), settings)
    if not encoders:
        raise UsageError(
            "'untrained' needs an encoder, and the configuration has no 'base'",
            where=config.source.where(("compare_with",)),
            hints=["Write, for example: base: {encoder: compact-2d}"],
        )
    found = []
    for settings in encoders.values():
        label = opponent.label if len(encoders) == 1 else f"{opponent.label} {settings.encoder.use}"
        components = (_component("encoder", settings.encoder),)
        for seed in config.seeds:
            found.append(_run(label, "untrained", seed, components, material, settings=settings))
    return found


def _run(
    label: str,
    kind: str,
    seed: int,
    components: tuple[str, ...],
    material: Material,
    *,
    settings: TrainingSettings | None = None,
    scorer: Spec | None = None,
    own: Material | None = None,
) -> Run:
    run = Run("", label, kind, seed, components, settings, scorer, own)
    name = _hash(SCHEMA, kind, seed, components, run.to_config(), (own or material).digest, material.split.digest)
    return replace(run, id=name)


def _component(kind: str, spec: Spec) -> str:
    """Its id and version, and those of the components among its parameters."""
    component = registry().find(kind, spec.use)
    version = component.distribution_version if ":" in spec.use else component.version
    parts = [
        _component(name if name in KINDS else PART, Spec.parse(value))
        for name, value in spec.parameters.items()
        # A bare name is one where a component holds another of its kind: an encoder of slices, an encoder.
        if (isinstance(value, Mapping) and "use" in value) or (isinstance(value, str) and name == kind)
    ]
    return " of ".join([f"{kind} {component.id} {version}", *parts])


def _hash(*parts: object) -> str:
    text = json.dumps(parts, sort_keys=True, default=_jsonable)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _jsonable(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Spec):
        return value.to_config()
    return str(value)
