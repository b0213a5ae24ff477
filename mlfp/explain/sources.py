"""Which scans are explained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mlfp.data import readers
from mlfp.data.files import read_row
from mlfp.data.locate import locate
from mlfp.errors import UsageError
from mlfp.plugins import registry
from mlfp.types.scan_table import ScanTable
from mlfp.types.volume import Volume


class Source(NamedTuple):
    """A scan as it was read, and whose it is: an empty string where nobody said."""

    volume: Volume
    subject: str


def sources_of(sources: Sequence[str], wanted: Sequence[str] = (), subjects: int = 0) -> Iterator[Source]:
    """Scans by their file, or those of a manifest, a folder or ``dataset:path`` that are asked for.

    :param sources: files of scans, or data sets.
    :param wanted: ids of scans of the data sets.
    :param subjects: of each data set, all scans of its first so many subjects.
    :raises UsageError: a data set is given and no scan of it named, or it has no such scan.
    """
    left = list(wanted)
    for source in sources:
        if Path(source).is_file() and source.lower().endswith(readers.SUFFIXES):
            yield Source(readers.read(Path(source), scan=_stem(source)), "")
            continue
        dataset = registry().build("dataset", locate(source))
        table = dataset.table()
        rows = _rows(table, wanted, subjects)
        if not rows:
            raise UsageError(
                f"no scan of {table.source} is named" if not wanted else f"{table.source} has no scan {wanted[0]!r}",
                hints=[f"Name one or more: --scan {table.scans[0]!r}", "Or take some people: --subjects 4"],
            )
        left = [item for item in left if item not in {str(row["scan"]) for row in rows}]
        yield from (Source(read_row(dataset, row), str(row["subject"])) for row in rows)
    if left:
        raise UsageError(f"no data set given has a scan {left[0]!r}")


def _rows(table: ScanTable, wanted: Sequence[str], subjects: int) -> list[dict[str, Any]]:
    first = set(list(dict.fromkeys(table.subjects))[:subjects])
    return [row for row in table if str(row["scan"]) in wanted or row["subject"] in first]


def _stem(source: str) -> str:
    name = Path(source).name
    return next(
        name[: -len(end)] for end in sorted(readers.SUFFIXES, key=len, reverse=True) if name.lower().endswith(end)
    )
