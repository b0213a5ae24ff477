"""What a command line calls DATA: a manifest, a folder, or ``dataset:path``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mlfp.data.recognise import recognise
from mlfp.errors import UsageError, nearest
from mlfp.plugins import registry
from mlfp.types.spec import Spec

#: What a manifest in a folder is called; such a folder is read by it.
MANIFESTS = ("scans.csv", "scans.tsv", "scans.parquet")


#: Told a line.
Announce = Callable[[str], None]


def _unheard(line: str) -> None:
    """Announce nothing."""


def locate(text: str, announce: Announce = _unheard) -> Spec:
    """The data set that a text names.

    :param text: a manifest (CSV, TSV, Parquet); a folder, read by its ``scans.csv`` if it has one, else as the data set
        whose layout it shows, else by its file names; or the name of a data set, with a colon and a path if it takes
        one: ``bids:/data/oasis``.
    :param announce: told a line where a layout is recognised.
    :raises UsageError: there is no such file, folder or data set, or a folder shows several layouts.
    """
    if not text.strip():
        raise UsageError("the data are not named: an empty text", hints=["Give a manifest, a folder, or dataset:path."])
    path = Path(text).expanduser()
    if path.is_file():
        return Spec("manifest", {"path": str(path)})
    if path.is_dir():
        manifests = [path / name for name in MANIFESTS if (path / name).is_file()]
        return Spec("manifest", {"path": str(manifests[0])}) if manifests else _folder(path, announce)
    name, colon, rest = text.partition(":")
    if _is_dataset(name):
        if rest and not Path(rest).expanduser().exists():
            raise UsageError(f"no file or folder {rest!r}", where=f"data {text}")
        return Spec(name, {"path": str(Path(rest).expanduser())} if rest else {})
    raise UsageError(
        f"no file or folder {text!r}" if not colon else f"no data set {name!r}",
        hints=[
            *nearest(name, [item.name for item in registry().components("dataset")]),
            "Give a manifest (scans.csv), a folder, or dataset:path. Data sets: mlfp plugins list --kind dataset",
        ],
    )


def located(text: str, parameters: Mapping[str, Any] | None = None, announce: Announce = _unheard) -> Spec:
    """As :func:`locate`, with an absolute path: for a configuration that may be read from elsewhere.

    :param parameters: further ones of the data set.
    """
    spec = locate(text, announce)
    path = {"path": str(Path(spec.parameters["path"]).absolute())} if "path" in spec.parameters else {}
    return Spec(spec.use, {**spec.parameters, **path, **(parameters or {})})


def _folder(path: Path, announce: Announce) -> Spec:
    found = recognise(path)
    if found is None:
        return Spec("folder", {"path": str(path)})
    how = f"To have it read otherwise, name a data set: folder:{path}"
    announce(f"{path} is read as {found.name}, for there is {found.evidence}. {how}")
    return Spec(found.name, {"path": str(path)})


def _is_dataset(name: str) -> bool:
    components = registry().components("dataset")
    return any(name in (item.id, item.name, *item.aliases) for item in components)
