"""Fingerprints: make them, keep them, search among them, measure them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mlfp.api.common import Announce, announce_failures, unheard
from mlfp.errors import ParameterError, UsageError
from mlfp.execution.progress import Progress, silent

if TYPE_CHECKING:
    from mlfp.data.scans import ScanFailure
    from mlfp.evaluation.settings import EvaluationSpec
    from mlfp.fingerprints.model import FingerprintModel
    from mlfp.fingerprints.removal import Removed
    from mlfp.search.find import Hit
    from mlfp.types.fingerprints import Fingerprints
    from mlfp.types.measured import Measured
    from mlfp.types.spec import Spec


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
    announce: Announce = unheard,
) -> Embedded:
    """Turn scans into fingerprints, preprocessed as the model's card says.

    With ``out`` they are written down as they are made: what is in the store and has not changed is not made again, a
    killed run goes on where it was, and scans that cannot be used are rows of ``failures.csv`` there.

    :param data: a manifest, a folder or ``dataset:path``.
    :param model: a model's file, the folder that ``mlfp train`` wrote, or the name of a published one; without it the
        store's own, or for volumes ``brain-v1``.
    :param out: folder of the store to write; nothing is written without it.
    :param shard: ``i/n``: only one of n shares of the scans; several processes may fill one store.
    :param batch_size: scans a forward pass; chosen by their size unless given.
    :raises UsageError: there is no such data or model, or the scans do not fit it.
    """
    from mlfp.data.locate import locate
    from mlfp.fingerprints.model import FingerprintModel

    spec = locate(str(data), announce)
    loaded = FingerprintModel.load(_model_of(model, out, spec, announce))
    options: dict[str, Any] = {"batch_size": batch_size, "device": device, "progress": progress}
    made = _passed(loaded, spec, **options) if out is None else _filled(loaded, spec, Path(out), shard, **options)
    announce_failures(made.failures, announce)
    return made


def _filled(loaded: FingerprintModel, data: Spec, out: Path, shard: str | None, **options: Any) -> Embedded:
    """Fill a store, and read it whole."""
    from mlfp.fingerprints import store
    from mlfp.fingerprints.filling import fill
    from mlfp.fingerprints.parts import Shard

    filled = fill(out, loaded, data, shard=Shard.parse(shard) if shard else None, **options)
    return Embedded(store.read(out), filled.failures, filled.store, filled.embedded)


def _passed(loaded: FingerprintModel, data: Spec, *, progress: Progress, **options: Any) -> Embedded:
    """Pass all scans through the model, and write nothing."""
    from mlfp.data.chain import Chain
    from mlfp.data.prepare import prepare
    from mlfp.fingerprints import embedding
    from mlfp.plugins import registry
    from mlfp.types.spec import Spec

    dataset = registry().build("dataset", data)
    scans = prepare(dataset, Chain([Spec.parse(step) for step in loaded.card.preprocess]), progress=progress)
    fingerprints = embedding.embed(loaded, scans, progress=progress, **options)
    return Embedded(fingerprints, list(scans.failures), fresh=len(scans))


def _model_of(model: Path | str | None, out: Path | str | None, data: Spec, announce: Announce) -> Path:
    """The model that was named, or the store's own, or the one in the box for such scans."""
    from mlfp.fingerprints.default import default_model
    from mlfp.fingerprints.locate import FILE, model_file

    if model is not None:
        return model_file(model)
    if out is not None and (Path(out) / FILE).is_file():
        return Path(out) / FILE
    return default_model(data, announce)


def search(
    store: Path | str,
    scan: Path | str,
    *,
    k: int = 5,
    not_same: bool = False,
    index: str = "exact",
    html: Path | str | None = None,
    verify: Literal["auto", "never"] = "auto",
    progress: Progress = silent,
    announce: Announce = unheard,
) -> list[Hit]:
    """The scans of a store that look most like one scan, nearest first; with odds if the model is calibrated.

    :param store: the folder that ``mlfp embed`` wrote.
    :param scan: its id in the store, or a file, which is embedded with the store's own model.
    :param k: how many to find.
    :param not_same: leave out scans under the same subject id: similar anatomy of other people.
    :param index: a component, or ``auto`` by the store's size.
    :param html: a page to write, with pictures of the scan and of those found.
    :param verify: ``auto`` lays those found over the scan, if the model is calibrated for it: a second or two each.
        What that shows counts in the odds, and is on the page.
    :raises UsageError: there is no such store or scan.
    """
    from mlfp.leaks.beside import with_odds
    from mlfp.search.find import find

    asked, hits = find(Path(store), str(scan), k=k, not_same=not_same, index=index)
    found = with_odds(Path(store), asked, hits, verified=verify == "auto", progress=progress)
    if found.reason:
        announce(found.reason)
    if html is not None:
        from mlfp.report import hits as sheet

        sheet.write(Path(html), asked, found)
    return found.hits


def store_add(
    store: Path | str, data: Path | str, *, progress: Progress = silent, announce: Announce = unheard
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
    specs = [EvaluationSpec.parse(item) for item in evaluators]
    _check_names([spec.name for spec in specs])
    measured: dict[str, Measured] = {}
    for spec in specs:
        evaluator = registry().build("evaluator", spec.spec)
        _check_within_store(spec, evaluator.needs)
        measured[spec.name] = measure(
            spec, evaluator, side, side, similarity=lambda queries, gallery: similarity,
            distance=fingerprints.distance, seed=seed, progress=progress,
        )  # fmt: skip
    return measured


def _check_names(names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ParameterError(
                f"two evaluations are called {name!r}", hints=["Give one a name: {use: ..., name: ...}"]
            )


def _check_within_store(spec: EvaluationSpec, needs: str) -> None:
    """A store holds fingerprints alone, of one side."""
    if needs in ("model", "scans") or spec.move is not None or spec.derive:
        wanted = "the model itself" if needs == "model" else "the scans, to make others of them"
        raise UsageError(
            f"evaluation {spec.name!r} needs {wanted}, and a store holds fingerprints alone",
            hints=["Measure it in a comparison: mlfp bench CONFIG"],
        )
    if spec.side != "test":
        raise UsageError(
            f"evaluation {spec.name!r} measures on the {spec.side} side, and a store is measured as a whole",
            hints=["Choose by a column instead, if the table has one: query: {split: val}, gallery: {split: val}"],
        )
