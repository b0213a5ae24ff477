"""Scans taken out of a store; and, where a person wants to be forgotten, out of every cache."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mlfp.data.chain import Chain
from mlfp.data.pairs_memo import PairsMemo
from mlfp.data.prepare import forget
from mlfp.data.small import CHAIN
from mlfp.errors import ParameterError, UsageError
from mlfp.fingerprints import locate, parts, store
from mlfp.fingerprints.model import FingerprintModel
from mlfp.fingerprints.parts import CONTENT
from mlfp.types.scan_table import ScanTable
from mlfp.types.spec import Spec

#: Indexes of a store, which can be made again at any time.
INDEXES = "indexes"


@dataclass(frozen=True)
class Removed:
    """What was taken out.

    :param scans: their ids.
    :param files: prepared copies of them that were deleted from the cache.
    :param pairs: figures there, of one of them laid over another scan, that were deleted.
    """

    scans: tuple[str, ...]
    files: int = 0
    pairs: int = 0


def remove(
    folder: Path, *, scans: Sequence[str] = (), where: Mapping[str, object] | None = None, purge: bool = False
) -> Removed:
    """Take scans out of a store, by id or by a condition on the table.

    :param scans: ids.
    :param where: columns to values, such as ``{"subject": "007"}``; all must hold.
    :param purge: delete what the cache holds of them too: prepared copies, and figures of pairs that they are in. The
        scans' own files are left alone.
    :raises UsageError: nothing was named, or something that is not there.
    """
    if not scans and not where:
        raise UsageError("nothing was named", hints=["Name scans, or a condition: --where subject=007"])
    with parts.locked(folder / ".lock", wait=True):
        there = store.read(folder)
        chosen = _chosen(there.table, scans, where)
        gone = there.table.select(chosen)
        stay = np.setdiff1d(np.arange(len(there.table)), chosen)
        store.write(folder, there.select(stay))
        shutil.rmtree(folder / INDEXES, ignore_errors=True)
        names = tuple(str(scan) for scan in gone.scans)
        parts.write_failures(folder, set(names))
        files, pairs = _forget(folder, gone) if purge else (0, 0)
    return Removed(names, files, pairs)


def _chosen(table: ScanTable, scans: Sequence[str], where: Mapping[str, object] | None) -> np.ndarray:
    """Positions, in order."""
    by_id = {scan: place for place, scan in enumerate(table.scans)}
    missing = [scan for scan in scans if scan not in by_id]
    if missing:
        raise UsageError(f"{table.source} has no scan {missing[0]!r}", hints=[f"{len(missing)} of those named."])
    chosen = {by_id[scan] for scan in scans}
    if where:
        try:
            chosen |= set(table.where(where).tolist())
        except ParameterError as error:
            raise UsageError(error.what, hints=error.hints) from error
    return np.array(sorted(chosen), dtype=np.int64)


def _forget(folder: Path, table: ScanTable) -> tuple[int, int]:
    """How many prepared copies and figures of pairs were deleted."""
    if CONTENT not in table.columns:
        return 0, 0
    contents = [str(content) for content in table.column(CONTENT)]
    pairs = PairsMemo().forget(contents)
    chains = [CHAIN]
    if (folder / locate.FILE).is_file():
        model = FingerprintModel.load(folder / locate.FILE)
        chains.append(Chain([Spec.parse(step) for step in model.card.preprocess]).key)
    return forget(chains, contents, list(table.scans)), pairs
