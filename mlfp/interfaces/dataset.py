"""Dataset: where scans come from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from mlfp.types.scan_table import ScanTable
from mlfp.types.volume import Volume


class Dataset(Protocol):
    """Lists scans. Listing must not import torch: a bench that has nothing to do answers in seconds."""

    def table(self) -> ScanTable:
        """All scans. ``path``, where a scan is a file, is absolute."""
        ...


@runtime_checkable
class RecognisingDataset(Dataset, Protocol):
    """A dataset that knows its layout when it sees it, so that ``--data FOLDER`` need not name it."""

    @staticmethod
    def recognise(folder: Path) -> str:
        """What in a folder shows that it is laid out so: a file below it, or the table; nothing where it is not.

        Asked of every folder that is given without a name, however large: a glimpse has to do.
        """
        ...


@runtime_checkable
class ReadingDataset(Dataset, Protocol):
    """A dataset whose scans are not files in a format the core reads."""

    def read(self, row: Mapping[str, Any]) -> Volume:
        """The pixels of one scan.

        :raises ScanError: they cannot be had; the scan becomes a row in the report of failures.
        """
        ...

    def key(self, row: Mapping[str, Any]) -> str:
        """A text that changes whenever the pixels of this scan do; the cache is keyed by it."""
        ...
