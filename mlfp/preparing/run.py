"""All scans of a data set through the steps, each once: what is done is not done again, whoever did it."""

from __future__ import annotations

import contextlib
import csv
import fcntl
import hashlib
import importlib.metadata
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlfp.data.files import keys_of, read_row
from mlfp.data.memo import Memo, cache_folder
from mlfp.data.probe import first_readable
from mlfp.data.scans import ScanFailure
from mlfp.errors import MlfpError, ScanError, UsageError
from mlfp.execution.files import write_atomically
from mlfp.execution.local import WorkerKilledError, run
from mlfp.execution.progress import Progress, silent
from mlfp.interfaces.dataset import Dataset
from mlfp.preparing import masks
from mlfp.preparing.files import SLICES, sidecar, write
from mlfp.preparing.names import Name, names_of
from mlfp.preparing.settings import Settings
from mlfp.preparing.steps import processed
from mlfp.preparing.tables import write_tables
from mlfp.preparing.template import template
from mlfp.types.scan_table import ScanTable
from mlfp.wording import counted

MANIFEST, FAILURES, SHEET, SETTINGS = "scans.csv", "failures.csv", "sheet.png", "prepare.json"
#: One file for every scan that failed, so that shards on several machines need not wait for one another.
_FAILED = "logs/failures"
#: Columns that the manifest has of its own: where the scan came from, and how and how well it was registered.
SOURCE, REGISTERED, FIT = "source", "registered", "fit"


@dataclass(frozen=True)
class Outcome:
    """What became of a data set.

    :param manifest: of all scans that are prepared, by whatever shard.
    :param table: what it says.
    :param made: scans prepared now.
    :param kept: scans of this shard that were prepared before.
    :param failures: scans of this shard that could not be prepared.
    """

    manifest: Path
    table: ScanTable
    made: int
    kept: int
    failures: tuple[ScanFailure, ...]


@dataclass(frozen=True)
class _Task:
    """A scan to prepare: its row, where its files go, where its mask lies, and the digest of all that decides them."""

    row: Mapping[str, Any]
    name: Name
    mask: Path | None
    digest: str


@dataclass(frozen=True)
class _Work:
    """Prepares one scan; crosses to a worker process."""

    dataset: Dataset
    settings: Settings
    folder: Path

    def __call__(self, task: _Task) -> str:
        try:
            volume = read_row(self.dataset, task.row)
            brain = masks.find(volume, task.mask, self.settings)
            product = processed(volume, brain, self.settings)
        except ScanError as error:
            raise error.at(str(task.row["scan"])) from error
        about = {
            "Sources": [str(task.row.get("path") or task.row["scan"])],
            "SkullStripped": brain is not None,
            "SpatialReference": task.name.space or None,
            "scan": str(task.row["scan"]),
            "digest": task.digest,
        }
        return write(self.folder, task.name, product, self.settings, about)


def prepare_data(
    dataset: Dataset,
    folder: Path,
    settings: Settings,
    *,
    shard: tuple[int, int] = (1, 1),
    workers: int | None = None,
    progress: Progress = silent,
) -> Outcome:
    """Prepare a data set's scans, and list those that are done.

    :param shard: (i, n): of every n scans, the i-th. All shards write into one folder, in any order or at once; each
        lists all that is done by then, so that the last one lists all.
    :param workers: processes; None chooses by how much there is to do. Each has one thread.
    :raises UsageError: a setting cannot be used, or the folder was prepared with others.
    """
    settings.check()
    table = dataset.table()
    _check_kind(dataset, table, settings)
    space = template(settings.template).space if settings.register != "none" else ""
    names = names_of(table, space)
    _claim(folder, settings, table)
    tasks = _tasks(dataset, table, names, settings)
    mine = tasks[shard[0] - 1 :: shard[1]]
    left = [task for task in mine if not _done(folder, task)]
    failures = []
    for done, (place, found) in enumerate(run(_Work(dataset, settings, folder), left, workers=workers), start=1):
        task = left[place]
        if isinstance(found, Exception):
            if isinstance(found, MlfpError) and not isinstance(found, ScanError | WorkerKilledError):
                raise found
            failures.append(ScanFailure.of(task.row, found))
            _note_failure(folder, task, failures[-1])
        else:
            _failure_file(folder, task).unlink(missing_ok=True)
        progress("preparing", done, len(left))
    with _locked(folder):
        listed = _list(folder, table, tasks)
    return Outcome(folder / MANIFEST, listed, len(left) - len(failures), len(mine) - len(left), tuple(failures))


def _check_kind(dataset: Dataset, table: ScanTable, settings: Settings) -> None:
    if first_readable(dataset, table).spatial_dims == 3:
        return
    if settings.register != "none" or settings.slice != "none" or settings.strip:
        raise UsageError(
            f"{table.source} has pictures, and only volumes can be registered, stripped or sliced",
            hints=["Remove outliers and normalise alone: mlfp prepare DATA -o DIR --register none"],
        )


def _tasks(dataset: Dataset, table: ScanTable, names: Sequence[Name], settings: Settings) -> list[_Task]:
    keys = keys_of(dataset, table, Memo(cache_folder()))
    chain = settings.key
    found = []
    for row, name, key in zip(table, names, keys, strict=True):
        mask = masks.path_of(row, table, settings)
        told = [chain, key, str(row["scan"]), masks.content(mask)]
        found.append(_Task(row, name, mask, hashlib.sha256("\x1f".join(told).encode()).hexdigest()))
    return found


def _done(folder: Path, task: _Task) -> bool:
    return _told(folder, task) is not None


def _told(folder: Path, task: _Task) -> dict[str, Any] | None:
    """What the sidecar of a scan says; None unless it was made of this scan, in this way."""
    try:
        told: dict[str, Any] = json.loads(sidecar(folder, task.name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return told if told.get("digest") == task.digest and (folder / str(told.get("path"))).is_file() else None


def _claim(folder: Path, settings: Settings, table: ScanTable) -> None:
    """Write down what is done in this folder.

    :raises UsageError: something else was.
    """
    path = folder / SETTINGS
    if path.is_file():
        before = json.loads(path.read_text(encoding="utf-8"))
        if before["key"] != settings.key:
            now = settings.to_json()
            changed = [name for name, value in before["settings"].items() if now.get(name) != value]
            raise UsageError(
                f"{folder} was prepared with other settings",
                hints=[
                    *(f"{name}: {before['settings'][name]!r} then, {now.get(name)!r} now" for name in changed),
                    "Give another folder: -o DIR",
                ],
            )
        return
    told = {"key": settings.key, "settings": settings.to_json(), "source": table.source}
    write_atomically(path, json.dumps(told, indent=2).encode())
    described = {
        "Name": "Scans prepared for subject fingerprinting",
        "BIDSVersion": "1.10.0",
        "DatasetType": "derivative",
        "GeneratedBy": [
            {
                "Name": "mlfp",
                "Version": importlib.metadata.version("mlfp"),
                "Description": json.dumps(settings.to_json()),
            }
        ],
    }
    write_atomically(folder / "dataset_description.json", json.dumps(described, indent=2).encode())
    ours = [MANIFEST, FAILURES, SHEET, SETTINGS, f"{SLICES}/", "logs/"]
    write_atomically(folder / ".bidsignore", "".join(f"{name}\n" for name in ours).encode())


def _list(folder: Path, table: ScanTable, tasks: Sequence[_Task]) -> ScanTable:
    """Write the manifest and the failures of all shards.

    :raises UsageError: no scan is done.
    """
    failed = [_failure_file(folder, task) for task in tasks]
    rows = [json.loads(path.read_text(encoding="utf-8")) for path in failed if path.is_file()]
    _write_csv(folder / FAILURES, ["scan", "subject", "reason"], [list(row.values()) for row in rows])
    told = [_told(folder, task) for task in tasks]
    done = [place for place, item in enumerate(told) if item is not None]
    if not done:
        raise UsageError(
            f"none of {counted(len(table), 'scan')} of {table.source} could be prepared",
            hints=[f"{row['scan']}: {row['reason']}" for row in rows[:3]],
        )
    items = [item for item in told if item is not None]
    frame = table.frame.iloc[done].reset_index(drop=True)
    write_tables(folder, [tasks[place].name for place in done], frame)
    if "path" in frame:
        frame[SOURCE] = frame.pop("path")
    frame.insert(1, "path", [item["path"] for item in items])
    frame[REGISTERED] = [item["registered"] for item in items]
    frame[FIT] = ["" if item["fit"] is None else item["fit"] for item in items]
    write_atomically(folder / MANIFEST, frame.to_csv(index=False).encode())
    return ScanTable(frame.assign(path=[str(folder / item["path"]) for item in items]), source=str(folder / MANIFEST))


def _note_failure(folder: Path, task: _Task, failure: ScanFailure) -> None:
    told = {"scan": failure.scan, "subject": failure.subject, "reason": failure.reason}
    write_atomically(_failure_file(folder, task), json.dumps(told).encode())


def _failure_file(folder: Path, task: _Task) -> Path:
    return folder / _FAILED / f"{task.name.stem.rpartition('/')[2]}.json"


def _write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    content = io.StringIO()
    writer = csv.writer(content)
    writer.writerow(header)
    writer.writerows(rows)
    write_atomically(path, content.getvalue().encode())


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One shard lists at a time: whoever is last sees what all have done."""
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
