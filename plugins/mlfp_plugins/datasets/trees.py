"""Folders of scans: what lies in them, remembered between runs, and how their names are read."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlfp.data.memo import cache_folder
from mlfp.errors import UsageError
from mlfp.execution.files import write_atomically
from mlfp.types.remark import Remark

#: Raised when what is remembered changes its form.
_FORMAT = 1
#: A folder that changed less than this before it was listed may change again within the same tick of its clock.
_RACY_NS = 2_000_000_000


@dataclass(frozen=True)
class Listing:
    """What a folder holds, each in order of name; hidden ones left out. Links to nothing count as files."""

    folders: list[str]
    files: list[str]


class Listings:
    """Folders of a tree, listed anew only where one changed since the last time (by its time of change).

    :param top: the tree.
    """

    def __init__(self, top: Path) -> None:
        if not top.is_dir():
            raise UsageError(f"there is no folder {str(top)!r}")
        self.top = os.path.abspath(top)  # noqa: PTH100 (its normal form, links left as they are)
        name = hashlib.sha256(self.top.encode()).hexdigest()[:24]
        self._file = cache_folder() / "listings" / f"{name}-{_FORMAT}.json"
        known = _read(self._file)
        self._old: dict[str, list[Any]] = known.get("folders", {})
        self._old_notes: dict[str, list[Any]] = known.get("notes", {})
        self._new: dict[str, list[Any]] = {}
        self._notes: dict[str, list[Any]] = {}
        self._changed = False

    def of(self, folder: str = "") -> Listing:
        """What lies in a folder, by its path below the top."""
        path = f"{self.top}/{folder}" if folder else self.top
        state = os.stat(path).st_mtime_ns  # noqa: PTH116 (many folders)
        known = self._old.get(folder)
        if known is None or known[0] != state:
            settled = time.time_ns() - state > _RACY_NS
            folders, files = _scan(path)
            known = [state if settled else -1, folders, files]
            self._changed = True
        self._new[folder] = known
        return Listing(known[1], known[2])

    def noted(self, file: str) -> Any:
        """What :meth:`note` kept of a file, if its size and time of change are still as they were; else None."""
        known = self._old_notes.get(file)
        state = _state(f"{self.top}/{file}")
        if known is None or state is None or known[:2] != state:
            return None
        self._notes[file] = known
        return known[2]

    def note(self, file: str, value: Any) -> None:
        """Keep something read from a file, as JSON."""
        state = _state(f"{self.top}/{file}")
        if state is not None:
            self._notes[file] = [*state, value]
            self._changed = True

    def states(self) -> dict[str, int]:
        """Of every folder listed: its time of change, -1 where it had just changed."""
        return {folder: known[0] for folder, known in self._new.items()}

    def save(self) -> None:
        """Remember all that was listed; a cache that cannot be written is done without."""
        if not self._changed and len(self._new) == len(self._old) and len(self._notes) == len(self._old_notes):
            return
        text = json.dumps({"folders": self._new, "notes": self._notes}, separators=(",", ":"))
        try:
            write_atomically(self._file, text.encode(), durable=False)
        except OSError:
            return


def _read(path: Path) -> dict[str, dict[str, list[Any]]]:
    try:
        found: dict[str, dict[str, list[Any]]] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def _state(path: str) -> list[int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 (many files)
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns]


def _scan(path: str) -> tuple[list[str], list[str]]:
    folders: list[str] = []
    files: list[str] = []
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if not entry.name.startswith("."):
                    (folders if entry.is_dir() else files).append(entry.name)
    except PermissionError:
        return [], []
    return sorted(folders), sorted(files)


def walk(listings: Listings, depth: int, folder: str = "") -> Iterator[tuple[str, Listing]]:
    """Every folder down to so many levels below ``folder``, by its path below the top, in order."""
    found = listings.of(folder)
    yield folder, found
    for name in found.folders if depth else ():
        yield from walk(listings, depth - 1, f"{folder}/{name}" if folder else name)


def glimpse(top: Path, depth: int, most: int = 300) -> Iterator[tuple[str, Listing]]:
    """As :func:`walk`, level by level and no more than so many folders: enough to tell a layout, whatever its size."""
    level = [""]
    for _ in range(depth + 1):
        below: list[str] = []
        for folder in level[:most]:
            listing = Listing(*_scan(f"{top}/{folder}" if folder else str(top)))
            yield folder, listing
            below += [join(folder, name) for name in listing.folders]
        most -= len(level)
        level = below


@dataclass(frozen=True)
class Nifti:
    """The name of a NIfTI file.

    :param stem: without its ending.
    :param ending: as it is written: ``.nii.gz``, ``.NII``.
    """

    stem: str
    ending: str

    @classmethod
    def of(cls, name: str) -> Nifti | None:
        """None for a file of another kind."""
        folded = name.lower()
        for ending in (".nii.gz", ".nii"):
            if folded.endswith(ending) and len(name) > len(ending):
                return cls(name[: -len(ending)], name[-len(ending) :])
        return None

    def remarks(self, file: str, *, packed: bool = True) -> Iterator[Remark]:
        """What is odd about the ending; the file is used all the same.

        :param packed: whether this data set's files are compressed.
        """
        if self.ending != self.ending.lower():
            yield Remark("upper-case suffix", file, f"ends in {self.ending}; used as it is")
        if packed and self.ending.lower() == ".nii":
            yield Remark("uncompressed NIfTI", file, "is .nii where .nii.gz is usual; used as it is")


def join(*parts: str) -> str:
    """A path below the top, of those parts that are not empty."""
    return "/".join(part for part in parts if part)


def some(names: list[str], most: int = 5) -> str:
    """A few names, and how many more there are."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
