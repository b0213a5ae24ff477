"""A table of scans in a file: the first-class way to give data."""

from __future__ import annotations

import csv
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mlfp.errors import UsageError, nearest
from mlfp.types.scan_table import ScanTable
from mlfp.wording import counted


@dataclass(frozen=True)
class Manifest:
    """A row a scan, from CSV, TSV or Parquet.

    Paths are taken from the manifest's own folder unless absolute. Files that are not there stay in the table: they
    become failures when they are read. Everything in a CSV or TSV is kept as the text it is, ``007`` too.

    :param path: the manifest.
    :param columns: where it has our columns under other names, such as ``{subject: Patient ID, path: Image Index}``.
    """

    path: Path
    columns: Mapping[str, str] | None = None

    def table(self) -> ScanTable:
        """Its scans; ``scan`` is the path as the manifest writes it, unless it has a column ``scan``.

        :raises UsageError: there is no such file, it is no table, a column that should be there is not, or two rows are
            one file.
        """
        frame = self._named(_frame(self.path))
        if "path" in frame:
            if "scan" not in frame:
                # A name that is the same on every machine, wherever the folder lies.
                frame = frame.assign(scan=frame["path"])
            folder = os.path.abspath(self.path.parent)  # noqa: PTH100 (its normal form, links left as they are)
            paths = frame["path"].fillna("").astype(str).str.strip()
            frame = frame.assign(path=[os.path.normpath(os.path.join(folder, path)) if path else "" for path in paths])  # noqa: PTH118 (many paths)
        table = ScanTable(frame, source=str(self.path))
        _check_files(table)
        return table

    def _named(self, frame: pd.DataFrame) -> pd.DataFrame:
        for theirs in (self.columns or {}).values():
            if theirs not in frame:
                raise UsageError(
                    f"{self.path} has no column {theirs!r}",
                    hints=[*nearest(theirs, frame.columns), f"Its columns: {', '.join(frame.columns)}"],
                )
        return frame.assign(**{ours: frame[theirs] for ours, theirs in (self.columns or {}).items()})


def _check_files(table: ScanTable) -> None:
    """Refuse two rows that are one file: a scan would be found by itself, or be two people."""
    paths = table.frame["path"] if "path" in table.frame else table.frame["scan"]
    repeated = paths[(paths != "") & paths.duplicated()]
    if len(repeated):
        first, second = table.scans[(paths == repeated.iloc[0]).to_numpy()][:2]
        raise UsageError(
            f"{table.source}: scans {first!r} and {second!r} are one file",
            where=str(repeated.iloc[0]),
            hints=[
                "Leave out all rows but one.",
                f"{counted(repeated.nunique(), 'file is', 'files are')} listed more than once.",
            ],
        )


def _frame(path: Path) -> pd.DataFrame:
    if not path.is_file():
        beside = [item.name for item in path.parent.glob("*")] if path.parent.is_dir() else []
        raise UsageError(f"there is no manifest {str(path)!r}", hints=nearest(path.name, beside))
    try:
        frame = _parquet(path) if path.suffix.lower() in (".parquet", ".pq") else _text(path)
    except (OSError, ValueError, pd.errors.ParserWarning) as error:  # pandas', pyarrow's and Unicode's errors
        raise UsageError(
            f"{str(path)!r} cannot be read as a table: {str(error).splitlines()[0]}",
            hints=["A manifest is CSV, TSV (with one line of column names, in UTF-8) or Parquet."],
        ) from error
    return frame.rename(columns=lambda name: str(name).strip())


def _parquet(path: Path) -> pd.DataFrame:
    frame = pd.read_parquet(path)
    # pandas writes an index as a column, and takes it out of the columns again when it reads.
    return frame.reset_index() if any(name is not None for name in frame.index.names) else frame


def _text(path: Path) -> pd.DataFrame:
    separator = _separator(path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        names = [name.strip() for name in next(csv.reader(file, delimiter=separator), [])]
    for name in names:
        if name and names.count(name) > 1:  # pandas would number the second, and nobody would ask for it
            raise ValueError(f"it has the column {name!r} twice")
    with warnings.catch_warnings():
        # A row with more fields than there are names would lose the last ones.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        return pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig", index_col=False)


def _separator(path: Path) -> str:
    """What the line of names has most of: spreadsheets in some countries write semicolons into CSV."""
    with path.open(encoding="utf-8-sig") as file:
        first = file.readline()
    return max(",;\t", key=first.count)
