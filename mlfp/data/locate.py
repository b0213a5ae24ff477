"""What a command line calls DATA: a manifest, a folder, or ``dataset:path``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlfp.errors import UsageError, nearest
from mlfp.plugins import registry
from mlfp.types.spec import Spec

#: What a manifest in a folder is called; such a folder is read by it.
MANIFESTS = ("scans.csv", "scans.tsv", "scans.parquet")


def locate(text: str) -> Spec:
    """The data set that a text names.

    :param text: a manifest (CSV, TSV, Parquet); a folder, read by its ``scans.csv`` if it has one and by its file names
        otherwise; or the name of a data set, with a colon and a path if it takes one: ``bids:/data/oasis``.
    :raises UsageError: there is no such file, folder or data set.
    """
    if not text.strip():
        raise UsageError("the data are not named: an empty text", hints=["Give a manifest, a folder, or dataset:path."])
    path = Path(text).expanduser()
    if path.is_file():
        return Spec("manifest", {"path": str(path)})
    if path.is_dir():
        manifests = [path / name for name in MANIFESTS if (path / name).is_file()]
        return Spec("manifest", {"path": str(manifests[0])}) if manifests else Spec("folder", {"path": str(path)})
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


def located(text: str, parameters: Mapping[str, Any] | None = None) -> Spec:
    """As :func:`locate`, with an absolute path: for a configuration that may be read from elsewhere.

    :param parameters: further ones of the data set.
    """
    spec = locate(text)
    path = {"path": str(Path(spec.parameters["path"]).absolute())} if "path" in spec.parameters else {}
    return Spec(spec.use, {**spec.parameters, **path, **(parameters or {})})


def _is_dataset(name: str) -> bool:
    components = registry().components("dataset")
    return any(name in (item.id, item.name, *item.aliases) for item in components)
