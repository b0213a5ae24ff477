"""What kind of images a data set has, told from the first that can be read."""

from __future__ import annotations

from mlfp.data.files import read_row
from mlfp.errors import ScanError, UsageError
from mlfp.interfaces.dataset import Dataset
from mlfp.types.scan_table import ScanTable
from mlfp.types.volume import Volume
from mlfp.wording import counted

#: Scans tried before giving up: a data set may have bad ones, but not all of these.
TRIES = 20


def first_readable(dataset: Dataset, table: ScanTable) -> Volume:
    """The first scan of a table that can be read.

    :raises UsageError: none of the first 20 can be; says why for the first.
    """
    first: ScanError | None = None
    for row, _ in zip(table, range(TRIES), strict=False):
        try:
            return read_row(dataset, row)
        except ScanError as error:
            first = first or error
    raise UsageError(
        f"none of the first {counted(min(TRIES, len(table)), 'scan')} of {table.source} can be read",
        hints=str(first).splitlines() if first else ["The table is empty."],
    )
