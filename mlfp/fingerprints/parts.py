"""What is embedded but not yet merged into a store: small files, so that a killed run loses none of it.

``STORE/parts/I-of-N/*.parquet`` hold fingerprints of shard I; ``STORE/failures.csv`` the scans that could not be used.
"""

from __future__ import annotations

import contextlib
import csv
import fcntl
import hashlib
import io
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from mlfp.errors import MlfpError, UsageError
from mlfp.execution.files import write_atomically
from mlfp.fingerprints import store
from mlfp.types.fingerprints import Fingerprints
from mlfp.types.scan_table import ScanTable

FOLDER = "parts"
FAILURES = "failures.csv"
#: A hash of a scan's file (or what its data set says changes with its pixels), of its pixels as they were read, and the
#: data set that reads it: what a store adds to the scan table.
CONTENT, VOXELS, SOURCE = "content_key", "voxels_key", "read_from"


@dataclass(frozen=True)
class Shard:
    """One of ``of`` shares of the scans, counted from 1; a scan's share depends on its id alone."""

    number: int = 1
    of: int = 1

    @property
    def folder(self) -> str:
        """Its name below ``parts``."""
        return f"{self.number}-of-{self.of}"

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read ``i/n``.

        :raises UsageError: it is none.
        """
        number, _, of = text.partition("/")
        if not (number.isdigit() and of.isdigit() and 1 <= int(number) <= int(of)):
            raise UsageError(f"a shard is I/N with I from 1 to N, as in 1/4; got {text!r}")
        return cls(int(number), int(of))

    def take(self, table: ScanTable) -> ScanTable:
        """Its scans."""
        if self.of == 1:
            return table
        hashes = [int.from_bytes(hashlib.blake2b(str(scan).encode(), digest_size=8).digest()) for scan in table.scans]
        return table.select(np.array([value % self.of == self.number - 1 for value in hashes], dtype=bool))


@dataclass
class Known:
    """What a store and its parts hold already.

    :param fingerprints: by scan: its row of the table and its vector.
    :param files: the parts that were read.
    """

    model: str = ""
    rows: dict[str, Mapping[str, object]] = field(default_factory=dict)
    vectors: dict[str, np.ndarray] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)

    def add(self, fingerprints: Fingerprints) -> None:
        """Take these too; those of the same scans are replaced.

        :raises UsageError: they are another model's.
        """
        if self.model and fingerprints.model != self.model:
            raise UsageError("the store's parts are of different models", hints=["Delete it, and embed again."])
        self.model = fingerprints.model
        for row, vector in zip(fingerprints.table, fingerprints.vectors, strict=True):
            self.rows[row["scan"]] = row
            self.vectors[row["scan"]] = vector


def known(folder: Path) -> Known:
    """Read a store with its parts; empty where there is none."""
    found = Known()
    if (folder / store.FILE).is_file():
        found.add(store.read(folder))
    for path in sorted((folder / FOLDER).glob("*/*.parquet")):
        found.add(store.read(path))
        found.files.append(path)
    return found


def keep(folder: Path, shard: Shard, fingerprints: Fingerprints) -> Path:
    """Write one part."""
    return store.write(folder / FOLDER / shard.folder, fingerprints, name=f"{uuid.uuid4().hex}.parquet")


def merge(folder: Path, table: ScanTable, digest: str, distance: str, failed: Sequence[tuple[str, str, str]]) -> Path:
    """Put all parts into the store's one file, rows of ``table`` as it tells them now, and bring failures up to date.

    Several shards may end at once: each waits for the other here.

    :param table: the scans that were asked for.
    :param failed: scan, subject and reason of those of them that could not be used.
    """
    with locked(folder / ".lock", wait=True):
        found = known(folder)
        for row in table:
            if row["scan"] in found.rows:
                kept = {name: found.rows[row["scan"]].get(name, "") for name in (CONTENT, VOXELS, SOURCE)}
                found.rows[row["scan"]] = {**row, **kept}
        if found.rows:
            frame = pd.DataFrame(list(found.rows.values()))
            vectors = np.stack(list(found.vectors.values()))
            store.write(folder, Fingerprints(ScanTable(frame, source=str(folder)), vectors, digest, distance))
        write_failures(folder, {str(scan) for scan in table.scans}, failed)
        for path in found.files:
            path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # another shard is at work in it
            for shard in (folder / FOLDER).iterdir():
                shard.rmdir()
            (folder / FOLDER).rmdir()
    return folder / store.FILE


def failures(folder: Path) -> list[tuple[str, str, str]]:
    """Scan, subject and reason of the scans that could not be used."""
    path = folder / FAILURES
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [(row["scan"], row["subject"], row["reason"]) for row in csv.DictReader(file)]


def write_failures(folder: Path, settled: set[str], failed: Sequence[tuple[str, str, str]] = ()) -> None:
    """Those of scans that were tried now take the place of what was said of them before."""
    rows = [*(row for row in failures(folder) if row[0] not in settled), *failed]
    content = io.StringIO(newline="")
    writer = csv.writer(content)
    writer.writerow(("scan", "subject", "reason"))
    writer.writerows(rows)
    write_atomically(folder / FAILURES, content.getvalue().encode())


@contextlib.contextmanager
def locked(path: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold a lock file.

    :raises MlfpError: another process does, and we shall not wait for it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except OSError:
            raise MlfpError(
                f"another mlfp is at work in {path.parent}", hints=["Wait for it, or divide the work: --shard 1/2"]
            ) from None
        yield
