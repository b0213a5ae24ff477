"""Fingerprints on disk: ``STORE/fingerprints.parquet``, the scan table with one column of vectors."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mlfp.errors import UsageError
from mlfp.execution.files import write_atomically
from mlfp.types.fingerprints import Fingerprints
from mlfp.types.scan_table import ScanTable
from mlfp.wording import counted

FILE = "fingerprints.parquet"
#: The column of vectors: a fixed-size list of float32.
VECTOR = "vector"
#: Raised when stores of an older mlfp can no longer be read.
FORMAT = 1
_METADATA = b"mlfp"


def write(folder: Path, fingerprints: Fingerprints, *, name: str = FILE) -> Path:
    """Write a store, replacing the one that is there at once, never half; gives the file's path.

    :raises UsageError: vectors and scans are not equally many, or the table has a column ``vector`` of its own.
    """
    found, table = np.ascontiguousarray(fingerprints.vectors, dtype=np.float32), fingerprints.table
    if found.ndim != 2 or len(found) != len(table):
        raise UsageError(
            f"{counted(len(table), 'scan needs', 'scans need')} ({len(table)}, D) vectors, got {found.shape}"
        )
    if VECTOR in table.columns:
        raise UsageError(f"{table.source} has a column {VECTOR!r}, which is the store's own", hints=["Rename it."])
    told = {
        "format": FORMAT, "model": fingerprints.model, "distance": fingerprints.distance, "dim": found.shape[1],
        "source": table.source,
    }  # fmt: skip
    columns = pa.Table.from_pandas(table.frame, preserve_index=False)
    lists = pa.FixedSizeListArray.from_arrays(pa.array(found.reshape(-1)), found.shape[1])
    columns = columns.append_column(VECTOR, lists)
    columns = columns.replace_schema_metadata({**(columns.schema.metadata or {}), _METADATA: json.dumps(told)})
    content = io.BytesIO()
    pq.write_table(columns, content, compression="zstd")
    path = Path(folder) / name
    write_atomically(path, content.getvalue())
    return path


def read(folder: Path) -> Fingerprints:
    """Read a store.

    :param folder: the store, or its file.
    :raises UsageError: there is none, or it is no store of mlfp's.
    """
    path = Path(folder) / FILE if Path(folder).is_dir() else Path(folder)
    if not path.is_file():
        raise UsageError(
            f"there is no store at {folder}",
            hints=[f"A store is a folder with {FILE}; make one: mlfp embed DATA -o STORE"],
        )
    try:
        columns = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise UsageError(f"{path} cannot be read: {error}", hints=["Embed the scans again: mlfp embed"]) from error
    told = _told(columns, path)
    lists = columns.column(VECTOR).combine_chunks()
    # Views into arrow's memory are read-only; a copy is the caller's own.
    found = lists.flatten().to_numpy(zero_copy_only=False).reshape(len(lists), told["dim"]).copy()
    frame = columns.drop_columns([VECTOR]).to_pandas()
    return Fingerprints(ScanTable(frame, source=told["source"]), found, told["model"], told["distance"])


def _told(columns: pa.Table, path: Path) -> dict[str, Any]:
    text = (columns.schema.metadata or {}).get(_METADATA)
    if text is None or VECTOR not in columns.column_names:
        hints = ["Stores are written by mlfp embed DATA -o STORE"]
        raise UsageError(f"{path} is a Parquet file, but no store of mlfp's", hints=hints)
    told: dict[str, Any] = json.loads(text)
    if told["format"] != FORMAT:
        raise UsageError(
            f"{path} has format {told['format']}, this mlfp reads format {FORMAT}",
            hints=["Embed the scans again, or install the mlfp it was made with."],
        )
    return told
