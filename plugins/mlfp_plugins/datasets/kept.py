"""The table of a tree, kept until a folder or a table in it changes."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from operator import ne
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from mlfp.data.memo import cache_folder
from mlfp.execution.files import whole
from mlfp.types.remark import Remark

#: Raised when a tree is read in another way, so that no older table is taken for current.
_FORMAT = 1
_KEY = b"mlfp"


class Kept:
    """A table in the cache, with the times of change of all folders and files that it was made of.

    :param top: the tree, absolute.
    :param settings: what else decides the table.
    """

    def __init__(self, top: str, *settings: object) -> None:
        self.top = top
        name = hashlib.sha256(repr((_FORMAT, top, settings)).encode()).hexdigest()[:24]
        self._file = cache_folder() / "listings" / f"{name}.parquet"

    def get(self) -> tuple[pd.DataFrame, list[Remark]] | None:
        """The table and its remarks; None where there is none, or something changed since."""
        try:
            table = pq.read_table(self._file)
            told: dict[str, Any] = json.loads(table.schema.metadata[_KEY])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if any(map(ne, map(changed, map(f"{self.top}/".__add__, told["names"])), told["states"])):
            return None
        return table.to_pandas(), [Remark(*item) for item in told["remarks"]]

    def keep(self, frame: pd.DataFrame, remarks: list[Remark], states: Mapping[str, int]) -> None:
        """Keep them; a cache that cannot be written is done without.

        :param states: :func:`changed` of every folder and file behind them, by path below the top.
        """
        told = {
            "names": list(states), "states": list(states.values()),
            "remarks": [[item.kind, item.about, item.text] for item in remarks],
        }  # fmt: skip
        table = pa.Table.from_pandas(frame, preserve_index=False)
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), _KEY: json.dumps(told).encode()})
        try:
            with whole(self._file, durable=False) as file:
                pq.write_table(table, file)
        except OSError:
            return


def changed(path: str) -> int:
    """Time of the last change in ns; 0 where there is nothing."""
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116 (many files)
    except OSError:
        return 0
