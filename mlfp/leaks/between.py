"""From what a command names (stores, or data to embed) to what was found in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mlfp.data.locate import locate
from mlfp.errors import UsageError
from mlfp.execution.progress import Progress, silent
from mlfp.fingerprints import locate as models
from mlfp.fingerprints import store
from mlfp.fingerprints.default import default_model
from mlfp.fingerprints.filling import fill
from mlfp.fingerprints.model import FingerprintModel
from mlfp.leaks import calibrate as calibrating
from mlfp.leaks import engine, write
from mlfp.leaks.calibration import Calibration
from mlfp.leaks.material import Material, gather, names_of
from mlfp.leaks.redact import redacted
from mlfp.leaks.result import Leaks, Settings
from mlfp.types.fingerprints import Fingerprints

Announce = Callable[[str], None]
#: Below the folder of results: stores of data that were none yet.
STORES = "stores"
#: Where calibration may lie apart from the model.
FILE = "calibration.json"


def search(
    data: Sequence[Path | str],
    out: Path,
    settings: Settings,
    *,
    model: Path | str | None = None,
    calibration: Path | str | None = None,
    redact: bool | str = False,
    device: str = "auto",
    workers: int | None = None,
    progress: Progress = silent,
    announce: Announce,
) -> tuple[Leaks, Material]:
    """What was found, written to files, its ids hashed if so wished; and the scans under their own ids."""
    named, folders = stores(data, out=out, model=model, device=device, progress=progress, announce=announce)
    learnt = calibration_of(named, folders, calibration, announce)
    material = gather(named, shared_ids=settings.shared_ids)
    found = engine.hunt(material, learnt, settings, workers=workers, progress=progress)
    if redact:
        found = engine.shown_as(found, redacted(material, redact if isinstance(redact, str) else None))
    write.write(out, found)
    return found, material


def is_store(path: Path) -> bool:
    """Whether a folder, or a file, is a store."""
    return (path / store.FILE).is_file() or path.name == store.FILE


def stores(
    arguments: Sequence[Path | str],
    *,
    out: Path,
    model: Path | str | None,
    device: str = "auto",
    progress: Progress = silent,
    announce: Announce,
) -> tuple[list[tuple[str, Fingerprints]], list[Path]]:
    """Names and fingerprints of stores; what is no store is embedded first, below ``out``, as far as it is not yet.

    :raises UsageError: there is no such store or data, or data are to be embedded and there is no model for them.
    """
    paths = [Path(str(argument)).expanduser() for argument in arguments]
    names = names_of(arguments)
    places = [path if is_store(path) else _store_of(out, name) for path, name in zip(paths, names, strict=True)]
    data = {place: str(path) for place, path in zip(places, paths, strict=True) if place != path}
    loaded = _embedder(data, places, model, announce) if data else None
    for folder, argument in data.items():
        assert loaded is not None, "there are data"
        filled = fill(folder, loaded, locate(argument, announce), device=device, progress=progress)
        for failure in filled.failures:
            announce(f"left out {failure.scan}: {failure.reason}")
    named = [(name, store.read(place)) for name, place in zip(names, places, strict=True)]
    return named, [place if place.is_dir() else place.parent for place in places]


def _store_of(out: Path, name: str) -> Path:
    """The store of data that are none."""
    return out / STORES / name.replace("/", "_").replace(":", "_")


def _embedder(
    data: Mapping[Path, str], places: Sequence[Path], model: Path | str | None, announce: Announce
) -> FingerprintModel:
    """The model that was named; else that of the stores to compare with; else the one in the box.

    :param data: what is to be embedded, by its store.
    """
    if model is not None:
        return FingerprintModel.load(models.model_file(model))
    for place in places:
        file = (place.parent if place.name == store.FILE else place) / models.FILE
        if file.is_file():
            announce(f"No --model: that of the store {file.parent} is taken.")
            return FingerprintModel.load(file)
    return FingerprintModel.load(default_model(locate(next(iter(data.values()))), announce))


def calibration_of(
    named: Sequence[tuple[str, Fingerprints]], folders: Sequence[Path], given: Path | str | None, announce: Announce
) -> Calibration:
    """The calibration that was given (a model, a store or a JSON file), else the model's, else one from own labels.

    :raises UsageError: there is none, and too few subjects have two scans to make one.
    """
    if given is not None:
        found = read(Path(given))
        if found is None:
            raise UsageError(f"{given} has no calibration", hints=["Make it: mlfp calibrate STORE --model MODEL"])
        return found
    for folder in folders:
        found = read(folder)
        if found is not None:
            return found
    announce("the model has no calibration: odds are learnt from the subject ids of these data themselves")
    try:
        return calibrating.calibrate(named, verified=0)
    except UsageError as error:
        raise UsageError(
            "the model has no calibration, and these data cannot make one",
            where=error.what,
            hints=["Calibrate it on labelled data: mlfp calibrate STORE", "Then: mlfp leaks ... --calibration STORE"],
        ) from error


def read(path: Path) -> Calibration | None:
    """The calibration of a model, a store, or in a JSON file."""
    if path.is_file() and path.suffix == ".json":
        return Calibration.from_json(json.loads(path.read_text(encoding="utf-8")))
    if path.is_dir() and not (path / models.FILE).is_file():
        return None
    card = FingerprintModel.load(models.model_file(path)).card
    return None if card.calibration is None else Calibration.from_json(card.calibration)


def keep(path: Path, made: Calibration) -> Path:
    """Write a calibration into a model's card.

    :param path: the model's file, or a folder with one.
    """
    file = models.model_file(path)
    model = FingerprintModel.load(file)
    model.card = replace(model.card, calibration=made.to_json())
    model.save(file)
    return file
