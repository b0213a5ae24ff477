"""All scans of a data set through a chain, once: what is in the cache is not touched again."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlfp.data.chain import Chain
from mlfp.data.files import MISSING, keys_of, read_row, voxels_key
from mlfp.data.memo import Memo, Prepared, cache_folder
from mlfp.data.scans import ScanFailure, ScanSet, digest
from mlfp.errors import MlfpError, ScanError, UsageError
from mlfp.execution.files import whole
from mlfp.execution.local import WorkerKilledError, run
from mlfp.execution.progress import Progress, silent
from mlfp.interfaces.dataset import Dataset
from mlfp.types.scan_table import ScanTable
from mlfp.wording import counted

#: The name of the file to write, below the cache folder, and the row of the scan.
Task = tuple[str, Mapping[str, Any]]
#: Scans, and seconds, after which the memo is written, so that a killed run loses little.
_NOTE_EVERY, _NOTE_SECONDS = 64, 2.0
#: What half precision holds: above is infinity; where even the largest is below, small values lose their digits.
_HALF = (1e-2, 65504.0)


def prepare(
    dataset: Dataset,
    chain: Chain,
    *,
    table: ScanTable | None = None,
    cache: Path | None = None,
    workers: int | None = None,
    shape: tuple[int, ...] | None = None,
    progress: Progress = silent,
) -> ScanSet:
    """Put a data set's scans through a chain; those in the cache already are taken from there.

    A scan that fails becomes one of the set's failures. The cache is keyed by content, chain and scan id (which seeds
    what is drawn per scan); files are written whole or not at all, so that several processes may prepare at once.

    :param table: the scans wanted; None is the whole of ``dataset.table()``.
    :param cache: the folder; None is ``$MLFP_CACHE``, else ``~/.cache/mlfp``.
    :param workers: processes; None chooses by how much there is to do.
    :param shape: (C, *spatial) that is wanted: then a scan of another is one of the failures, and all may fail.
    :raises UsageError: unless a shape is wanted: no scan is left, or shapes differ after the chain.
    """
    table = dataset.table() if table is None else table
    folder = cache_folder(cache)
    memo = Memo(folder)
    keys = keys_of(dataset, table, memo)
    names = [cached_name(chain.key, key, scan) for key, scan in zip(keys, table.scans, strict=True)]
    there = [name for name, key in zip(names, keys, strict=True) if key != MISSING]
    known = _present(memo.prepared(there), folder)
    failures: dict[int, ScanFailure] = {}
    missing = [place for place, name in enumerate(names) if name not in known]
    if missing:
        chain.check()
        _describe(chain, folder)
        job = _Job(dataset, chain, folder)
        rows = list(table)
        tasks: list[Task] = [(names[place], rows[place]) for place in missing]
        for place, found in _worked(job, tasks, memo, workers, progress):
            if isinstance(found, Prepared):
                known[names[missing[place]]] = found
            else:
                failures[missing[place]] = found
    if shape is not None:
        failures |= _misshapen(table, names, known, shape)
    return _scan_set(table, names, keys, known, failures, chain, folder, shape)


def digest_of(dataset: Dataset, table: ScanTable, chain: Chain, cache: Path | None = None) -> str:
    """The digest that the prepared scans will have if none fails, without preparing them."""
    return digest(table, keys_of(dataset, table, Memo(cache_folder(cache))), chain.key)


@dataclass(frozen=True)
class _Job:
    """What a worker process needs; called with the name of the file to write and the row of the scan."""

    dataset: Dataset
    chain: Chain
    folder: Path

    def __call__(self, task: Task) -> Prepared:
        name, row = task
        volume = read_row(self.dataset, row)
        voxels = voxels_key(volume)
        volume = self.chain(volume)
        data = compact(volume.data)
        size = _write(self.folder / name, data)
        spacing = tuple(round(value, 6) for value in volume.spacing)
        return Prepared(tuple(data.shape), spacing, data.dtype.name, size, voxels)


def compact(data: np.ndarray) -> np.ndarray:
    """The same pixels in as few bytes as hold them: uint8 where that is exact, else float16, else float32."""
    low, high = float(data.min()), float(data.max())
    if low >= 0 and high <= 255 and np.array_equal(data, (whole := data.astype(np.uint8))):
        return whole
    largest = max(abs(low), abs(high))
    return data.astype(np.float16 if _HALF[0] <= largest <= _HALF[1] else np.float32)


def _worked(
    job: _Job, tasks: Sequence[Task], memo: Memo, workers: int | None, progress: Progress
) -> Iterator[tuple[int, Prepared | ScanFailure]]:
    """Position and result of every task; keeps the memo up to date.

    :raises MlfpError: something is wrong that is no fault of one scan: a parameter, a plugin, the cache.
    """
    fresh: dict[str, Prepared] = {}
    noted = time.monotonic()
    try:
        for done, (place, found) in enumerate(run(job, tasks, workers=workers), start=1):
            if isinstance(found, Prepared):
                fresh[tasks[place][0]] = found
                yield place, found
            elif isinstance(found, MlfpError) and not isinstance(found, ScanError | WorkerKilledError):
                raise found
            else:
                yield place, ScanFailure.of(tasks[place][1], found)
            if len(fresh) >= _NOTE_EVERY or (fresh and time.monotonic() - noted > _NOTE_SECONDS):
                memo.remember_prepared(fresh)
                fresh.clear()
                noted = time.monotonic()
            progress("preparing", done, len(tasks))
    finally:
        memo.remember_prepared(fresh)


def cached_name(chain: str, key: str, scan: str) -> str:
    """A file's name below the cache folder: one folder a chain, and 256 in it, so that none grows too large to list."""
    name = hashlib.sha256(f"{key}\x1f{scan}".encode()).hexdigest()[:40]
    return f"scans/{chain[:20]}/{name[:2]}/{name}.npy"


def _present(known: dict[str, Prepared], folder: Path) -> dict[str, Prepared]:
    """Those whose file is there, whole."""
    return {name: item for name, item in known.items() if _size(folder / name) == item.bytes}


def _size(path: Path) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116 (many files)
    except OSError:
        return -1


def _write(path: Path, data: np.ndarray) -> int:
    """Write an array whole or not at all, whoever else writes the same; returns its size in bytes."""
    try:
        with whole(path, durable=False) as file:
            np.save(file, np.ascontiguousarray(data), allow_pickle=False)
            size = file.tell()
    except OSError as error:
        raise MlfpError(
            f"the cache cannot be written: {error.strerror or error}",
            where=str(path.parent),
            hints=["Make room, or name another folder: export MLFP_CACHE=/some/folder"],
        ) from error
    return size


def _describe(chain: Chain, folder: Path) -> None:
    """For people who look into the cache: which chain made the files beside it."""
    place = folder / "scans" / chain.key[:20]
    place.mkdir(parents=True, exist_ok=True)
    (place / "chain.json").write_text(json.dumps(chain.to_config(), indent=2, default=str), encoding="utf-8")


def _scan_set(
    table: ScanTable,
    names: list[str],
    keys: list[str],
    known: dict[str, Prepared],
    failures: Mapping[int, ScanFailure],
    chain: Chain,
    folder: Path,
    shape: tuple[int, ...] | None,
) -> ScanSet:
    rows = [place for place, name in enumerate(names) if name in known and place not in failures]
    failed = tuple(failures[place] for place in sorted(failures))
    if not rows and shape is None:
        raise UsageError(
            f"none of {counted(len(table), 'scan')} of {table.source} could be prepared",
            hints=[f"{item.scan}: {item.reason}" for item in failed[:3]],
        )
    found = [known[names[place]] for place in rows]
    if shape is None:
        _check_shapes(found, [str(scan) for scan in table.scans[rows]])
    return ScanSet(
        table=table.select(rows),
        shape=found[0].shape if shape is None else shape,
        spacings=np.array([item.spacing for item in found]),
        files=tuple(folder / names[place] for place in rows),
        dtypes=tuple(item.dtype for item in found),
        keys=tuple(keys[place] for place in rows),
        chain=chain.key,
        failures=failed,
        voxels=tuple(item.voxels for item in found),
    )


def _misshapen(
    table: ScanTable, names: list[str], known: Mapping[str, Prepared], shape: tuple[int, ...]
) -> dict[int, ScanFailure]:
    """The scans that came out in another shape than the one wanted."""
    found = {}
    for place, name in enumerate(names):
        if name in known and known[name].shape != shape:
            reason = f"preprocessing gives it the shape {known[name].shape}, and {shape} is wanted"
            found[place] = ScanFailure(str(table.scans[place]), str(table.subjects[place]), reason)
    return found


def forget(chains: Sequence[str], keys: Sequence[str], scans: Sequence[str], cache: Path | None = None) -> int:
    """Delete what the cache holds of scans, put through chains of these keys; gives the number of files deleted."""
    folder = cache_folder(cache)
    names = [cached_name(chain, key, scan) for chain in chains for key, scan in zip(keys, scans, strict=True)]
    there = [name for name in names if (folder / name).is_file()]
    for name in there:
        (folder / name).unlink(missing_ok=True)
    Memo(folder).forget_prepared(names)
    return len(there)


def _check_shapes(found: Sequence[Prepared], scans: Sequence[str]) -> None:
    counts = Counter(item.shape for item in found)
    if len(counts) == 1:
        return
    examples = {item.shape: scan for item, scan in zip(found, scans, strict=True)}
    lines = [
        f"{counted(count, 'scan has', 'scans have')} {shape}, such as {examples[shape]}"
        for shape, count in counts.most_common(4)
    ]
    if len(counts) > len(lines):
        lines.append(f"and there are {len(counts) - len(lines)} more shapes")
    raise UsageError(
        "after preprocessing, scans have different shapes (channels first)", hints=[*lines, _remedy(list(counts))]
    )


def _remedy(shapes: Sequence[tuple[int, ...]]) -> str:
    if len({len(shape) for shape in shapes}) > 1:
        return (
            "Some are pictures, some volumes: compare them apart, or cut pictures out of the volumes with {use: slice}."
        )
    if len({shape[0] for shape in shapes}) > 1:
        return "Their numbers of channels differ: compare them apart."
    largest = [max(lengths) for lengths in zip(*(shape[1:] for shape in shapes), strict=True)]
    return (
        f"End the chain with {{use: pad, shape: {largest}}} to keep their scale, or with "
        f"{{use: resize, shape: {largest}}} to stretch them."
    )
