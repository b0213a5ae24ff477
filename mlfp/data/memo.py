"""What is known of files and of prepared scans, so that neither is read again to find out.

One SQLite file in the cache folder, which several processes may use at once.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlfp.errors import MlfpError

#: Size in bytes and time of change in ns: a file whose both are as before is taken for unchanged.
State = tuple[int, int]
#: Raised when the tables change; an older file is left alone.
_FORMAT = 1
#: Variables in one SQL statement.
_CHUNK = 500
_SECONDS = 60
_TABLES = (
    "CREATE TABLE IF NOT EXISTS contents (path TEXT PRIMARY KEY, size INT, mtime INT, key TEXT) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS prepared (name TEXT PRIMARY KEY, bytes INT, about TEXT) WITHOUT ROWID",
)


@dataclass(frozen=True)
class Prepared:
    """One scan in the cache.

    :param shape: (C, *spatial).
    :param spacing: mm along each spatial axis.
    :param dtype: of the numbers in the file.
    :param bytes: size of the file.
    :param voxels: hash of the pixels as they were read; empty where an older mlfp prepared them.
    """

    shape: tuple[int, ...]
    spacing: tuple[float, ...]
    dtype: str
    bytes: int
    voxels: str = ""


def cache_folder(given: Path | str | None = None) -> Path:
    """The cache folder: the one given, else ``$MLFP_CACHE``, else ``~/.cache/mlfp``."""
    if given is not None:
        return Path(given)
    named = os.environ.get("MLFP_CACHE")
    return Path(named).expanduser() if named else Path.home() / ".cache" / "mlfp"


class Memo:
    """The memo of a cache folder.

    :param folder: made when it is not there.
    :raises MlfpError: it cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / f"memo-{_FORMAT}.sqlite"
        with self._speaking():
            folder.mkdir(parents=True, exist_ok=True)
            with self._connected() as connection:
                for table in _TABLES:
                    connection.execute(table)

    def contents(self, states: Mapping[str, State]) -> dict[str, str]:
        """Content keys by path, of those paths whose file is still in this state."""
        found = self._chosen("SELECT path, size, mtime, key FROM contents WHERE path", states)
        return {path: key for path, size, mtime, key in found if states[path] == (size, mtime)}

    def remember_contents(self, keys: Mapping[str, tuple[State, str]]) -> None:
        """Keep content keys with the state of the file that they were taken in."""
        rows = [(path, *state, key) for path, (state, key) in keys.items()]
        self._write("INSERT OR REPLACE INTO contents VALUES (?, ?, ?, ?)", rows)

    def prepared(self, names: Iterable[str]) -> dict[str, Prepared]:
        """What is known of prepared scans, by the name of their file."""
        found: dict[str, Prepared] = {}
        for name, size, about in self._chosen("SELECT name, bytes, about FROM prepared WHERE name", names):
            shape, spacing, dtype, *voxels = json.loads(about)
            found[name] = Prepared(tuple(shape), tuple(spacing), dtype, size, *voxels)
        return found

    def remember_prepared(self, scans: Mapping[str, Prepared]) -> None:
        """Keep what is known of prepared scans."""
        rows = [
            (name, item.bytes, json.dumps([item.shape, item.spacing, item.dtype, item.voxels]))
            for name, item in scans.items()
        ]
        self._write("INSERT OR REPLACE INTO prepared VALUES (?, ?, ?)", rows)

    def forget_prepared(self, names: Iterable[str]) -> None:
        """Know these prepared scans no more."""
        self._write("DELETE FROM prepared WHERE name = ?", [(name,) for name in names])

    def _chosen(self, query: str, values: Iterable[str]) -> Iterator[tuple[Any, ...]]:
        wanted = list(values)
        with self._speaking(), self._connected() as connection:
            for start in range(0, len(wanted), _CHUNK):
                chunk = wanted[start : start + _CHUNK]
                yield from connection.execute(f"{query} IN ({','.join('?' * len(chunk))})", chunk)

    def _write(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        if rows:
            with self._speaking(), self._connected() as connection:
                connection.executemany(statement, rows)

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self.path, timeout=_SECONDS)
        try:
            with connection:  # commits, or rolls back
                yield connection
        finally:
            connection.close()

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise MlfpError(
                f"the cache cannot be used: {error}",
                where=str(self.path),
                hints=["Name a folder on a local disk that you may write to: export MLFP_CACHE=/some/folder"],
            ) from error
