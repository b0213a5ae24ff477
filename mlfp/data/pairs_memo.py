"""What laying pairs of scans over each other showed, in one SQLite file in the cache folder, by their contents."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mlfp.data.memo import cache_folder
from mlfp.errors import MlfpError

FILE = "verified-1.sqlite"
Pair = tuple[int, int]


def key(version: int, one: str, two: str) -> str:
    """Of a pair of contents; empty where one has none, and is not to be kept."""
    return f"{version}:{min(one, two)}:{max(one, two)}:{int(one > two)}" if one and two else ""


class PairsMemo:
    """The file; several processes may use it at once."""

    def __init__(self, cache: Path | None = None) -> None:
        self.path = cache_folder(cache) / FILE
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._connected() as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS pairs (key TEXT PRIMARY KEY, found TEXT) WITHOUT ROWID")

    def known(self, keys: Mapping[Pair, str]) -> dict[Pair, dict[str, Any]]:
        """What is there, by pairs of positions."""
        found = {}
        with self._connected() as connection:
            for pair, text in keys.items():
                row = connection.execute("SELECT found FROM pairs WHERE key = ?", (text,)).fetchone() if text else None
                if row is not None:
                    found[pair] = json.loads(row[0])
        return found

    def keep(self, text: str, found: Mapping[str, Any]) -> None:
        """Write one down."""
        if text:
            with self._connected() as connection:
                connection.execute("INSERT OR REPLACE INTO pairs VALUES (?, ?)", (text, json.dumps(found)))

    def forget(self, contents: Iterable[str]) -> int:
        """Delete all pairs of which one scan has one of these contents; gives how many there were."""
        count = 0
        with self._connected() as connection:
            connection.execute("PRAGMA secure_delete = ON")
            for content in {str(content) for content in contents} - {""}:
                count += connection.execute("DELETE FROM pairs WHERE instr(key, ?) > 0", (f":{content}:",)).rowcount
        return count

    @contextlib.contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self.path, timeout=60)
        try:
            with connection:
                yield connection
        except sqlite3.Error as error:
            raise MlfpError(
                f"the cache cannot be used: {error}", where=str(self.path),
                hints=["Name a folder that you may write to: export MLFP_CACHE=/some/folder"],
            ) from error  # fmt: skip
        finally:
            connection.close()
