"""The scans of a store that look most like one scan."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mlfp.errors import UsageError, nearest
from mlfp.fingerprints import locate, store
from mlfp.fingerprints.filling import embed_file
from mlfp.fingerprints.model import FingerprintModel
from mlfp.fingerprints.removal import INDEXES
from mlfp.interfaces.index import Index
from mlfp.plugins import registry
from mlfp.search import neighbours
from mlfp.types.fingerprints import Fingerprints
from mlfp.types.spec import Spec


@dataclass(frozen=True)
class Hit:
    """A scan that was found.

    :param row: of the scan table.
    :param similarity: to the one asked for; higher is more alike.
    :param p_same: probability that both show one person; None where the model is not calibrated.
    """

    rank: int
    row: dict[str, Any]
    similarity: float
    p_same: float | None = None

    @property
    def scan(self) -> str:
        """Its id."""
        return str(self.row["scan"])

    @property
    def chance(self) -> str:
        """``p_same`` for people, never 1: nothing found is proof."""
        if self.p_same is None:
            return ""
        return f"{self.p_same:.2g}" if self.p_same < 0.995 else ">0.99"


@dataclass(frozen=True)
class Asked:
    """A scan that is asked for.

    :param name: its id in the store, or the file's path.
    :param vector: (D,) its fingerprint.
    :param place: its position in the store; None where it is not in it.
    :param row: what the store knows of it.
    """

    name: str
    vector: np.ndarray
    place: int | None = None
    row: dict[str, Any] = field(default_factory=dict)


def asked_for(folder: Path, there: Fingerprints, scan: str) -> Asked:
    """The scan of an id, or of a file.

    :raises UsageError: it is neither in the store nor a file.
    """
    places = np.flatnonzero(there.table.scans == scan)
    if not len(places) and "path" in there.table.columns:
        places = np.flatnonzero(there.table.column("path") == str(Path(scan).absolute()))
    if len(places):
        place = int(places[0])
        return Asked(scan, there.vectors[place], place, there.table.row(place))
    path = Path(scan).expanduser()
    if not path.is_file():
        raise UsageError(
            f"{scan!r} is neither a scan of the store nor a file",
            hints=[*nearest(scan, map(str, there.table.scans)), "Give a scan's id, or a file."],
        )
    if not (folder / locate.FILE).is_file():
        raise UsageError(
            f"{folder} keeps no model to embed {scan!r} with", hints=["Fill it by: mlfp embed DATA -o STORE"]
        )
    return Asked(scan, embed_file(FingerprintModel.load(folder / locate.FILE), path))


def find(
    folder: Path, scan: str, *, k: int = 5, not_same: bool = False, index: str = "exact"
) -> tuple[Asked, list[Hit]]:
    """The k scans of a store most like one.

    :param scan: its id, or a file, which is embedded with the store's own model.
    :param not_same: leave out scans under the subject id of the one asked for: similar anatomy of other people.
    :param index: a component, ``auto`` by the store's size. What is built is kept in the store until that changes.
    :raises UsageError: there is no such store or scan; or whose subject it is is not known, and it is wanted.
    """
    there = store.read(folder)
    asked = asked_for(folder, there, scan)
    if not_same and asked.place is None:
        raise UsageError(
            "whose subject a file shows is not known, so it cannot be left out",
            hints=["Add it to the store first (mlfp store add), or do without --not-same."],
        )
    out = {asked.name if asked.place is None else str(asked.row["scan"])}
    if not_same:
        subject = asked.row["subject"]
        out |= set(there.table.scans[there.table.subjects == subject].astype(str))
    built = _built(folder, there, index)
    names, scores = built.search(asked.vector[None], min(len(there.table), k + len(out)))
    hits: list[Hit] = []
    for name, score in zip(names[0], scores[0], strict=True):
        row = there.table.row(int(name)) if name else None
        if row is not None and row["scan"] not in out and len(hits) < k:
            hits.append(Hit(len(hits) + 1, row, float(score)))
    return asked, hits


def _built(folder: Path, there: Fingerprints, name: str) -> Index:
    """The index, taken from the store if it is of the store as it is now."""
    spec = neighbours.chosen_index(name, len(there.table))
    if spec.use == "exact":
        return neighbours.build(spec, there.vectors, there.distance)
    component = registry().find("index", spec.use)
    state = (folder / store.FILE).stat()
    path = folder / INDEXES / f"{component.plugin}-{component.name}-{component.version}-{state.st_mtime_ns}"
    if path.exists():
        index: Index = registry().build("index", Spec(spec.use, {"metric": there.distance}))
        index.load(path)
        return index
    for old in (folder / INDEXES).glob(f"{component.plugin}-{component.name}-*"):
        old.unlink()
    index = neighbours.build(spec, there.vectors, there.distance)
    index.search(there.vectors[:1], 1)  # what learns does so when it is first asked
    path.parent.mkdir(parents=True, exist_ok=True)
    index.save(path)
    return index
