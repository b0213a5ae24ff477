"""The scan table: a row a scan. The one noun that every layer shares."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mlfp.errors import ParameterError, UsageError, nearest
from mlfp.types.remark import Remark
from mlfp.wording import counted

#: Columns with a meaning of their own. A source may add any other.
KNOWN_COLUMNS = (
    "scan",
    "path",
    "subject",
    "session",
    "date",
    "modality",
    "view",
    "dataset",
    "site",
    "group",
    "split",
)


class ScanTable:
    """Scans and what is known of them.

    ``subject``, and ``scan`` or ``path``, are required; ``scan`` is the path unless given. Everything in a known
    column is text, subject ids included: ``007`` stays ``007``, and the number 7 is ``7`` even where a missing value
    beside it made it 7.0. Spaces around it do not count.

    :param frame: one row a scan, in any order; the index is dropped.
    :param source: where it came from, for error messages.
    :param remarks: what was odd about its files; a selection of rows has none.
    :raises UsageError: a required column is missing or there twice, an id is empty, or two rows share a scan id.
    """

    def __init__(self, frame: pd.DataFrame, *, source: str = "scan table", remarks: Sequence[Remark] = ()) -> None:
        self.source = source
        self.remarks = tuple(remarks)
        self.frame = _checked(frame, source)

    def __len__(self) -> int:
        return len(self.frame)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The rows, as mappings from column to value."""
        columns = list(self.frame.columns)
        for values in self.frame.itertuples(index=False, name=None):
            yield dict(zip(columns, values, strict=True))

    def row(self, index: int) -> dict[str, Any]:
        """One row, as a mapping from column to value."""
        return dict(self.frame.iloc[index])

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(self.frame.columns)

    @property
    def scans(self) -> np.ndarray:
        """(N,) scan ids."""
        return self.frame["scan"].to_numpy(dtype=object)

    @property
    def subjects(self) -> np.ndarray:
        """(N,) subject ids."""
        return self.frame["subject"].to_numpy(dtype=object)

    def labels(self) -> np.ndarray:
        """(N,) int64: each subject as a number from 0, in the order of their sorted ids."""
        return np.unique(self.subjects.astype(str), return_inverse=True)[1].astype(np.int64)

    def column(self, name: str) -> np.ndarray:
        """(N,) one column as text.

        :raises ParameterError: there is no such column.
        """
        if name not in self.frame:
            raise ParameterError(
                f"{self.source} has no column {name!r}",
                hints=[*nearest(name, self.columns), f"Its columns: {', '.join(self.columns)}"],
            )
        return self.frame[name].astype(str).to_numpy(dtype=object)

    def select(self, indices: Sequence[int] | np.ndarray) -> ScanTable:
        """The rows at these positions (or where a boolean mask holds), in this order."""
        return ScanTable(self.frame.iloc[np.asarray(indices)], source=self.source)

    def where(self, conditions: Mapping[str, Any] | None) -> np.ndarray:
        """Positions of the rows that meet every condition; a condition is a value or a list of values.

        :raises ParameterError: a column is missing, or nothing is left.
        """
        keep = np.ones(len(self), dtype=bool)
        for name, wanted in (conditions or {}).items():
            values = [str(value) for value in (wanted if isinstance(wanted, list | tuple) else [wanted])]
            column = self.column(name)
            keep &= np.isin(column.astype(str), values)
            if not keep.any():
                raise ParameterError(
                    f"no scan of {self.source} has {name} = {' or '.join(values)}",
                    hints=[f"Values of {name}: {', '.join(sorted(set(column))[:12])}"],
                )
        return np.flatnonzero(keep)

    def digest(self) -> str:
        """A hash of what the table says, wherever its files lie: every column but ``path``."""
        columns = sorted(column for column in self.columns if column != "path")
        text = self.frame[columns].astype(str).sort_values("scan").to_csv(index=False)
        return hashlib.sha256(text.encode()).hexdigest()


def _checked(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    frame = frame.reset_index(drop=True)
    _check_columns(frame, source)
    if "subject" not in frame:
        raise UsageError(
            f"{source} has no column 'subject'",
            hints=[
                *nearest("subject", map(str, frame.columns)),
                f"Its columns: {', '.join(map(str, frame.columns))}",
                "Every scan needs the subject it shows: rename the column that tells it to 'subject'.",
            ],
        )
    if "scan" not in frame:
        if "path" not in frame:
            raise UsageError(
                f"{source} has neither a column 'scan' nor a column 'path'",
                hints=[
                    f"Its columns: {', '.join(map(str, frame.columns))}",
                    "Rename the column that tells each scan's file to 'path'.",
                ],
            )
        frame = frame.assign(scan=frame["path"])
    for column in set(KNOWN_COLUMNS) & set(frame.columns):
        frame[column] = _text(frame[column])
    _check_ids(frame, source)
    return frame


def _check_columns(frame: pd.DataFrame, source: str) -> None:
    repeated = frame.columns[frame.columns.duplicated()]
    if len(repeated):
        raise UsageError(
            f"{source} has the column {str(repeated[0])!r} twice", hints=["Rename one of the two, or leave it out."]
        )


def _text(values: pd.Series[Any]) -> pd.Series[Any]:
    """Values as text, without the spaces around them; a missing one is empty."""
    if pd.api.types.is_float_dtype(values.dtype):
        known = values.dropna().to_numpy(dtype=float)
        # Whole numbers become floats in pandas where one is missing: 7.0 was 7, and is 7 in every other manifest.
        if len(known) and (np.abs(known) < 2**53).all() and (known == np.round(known)).all():
            values = values.astype("Int64")
    if isinstance(values.dtype, pd.StringDtype):  # as it is: by way of objects, many rows take a while
        return values.fillna("").str.strip()
    given = values.astype(object)
    return given.where(values.notna(), "").astype(str).str.strip()


def _check_ids(frame: pd.DataFrame, source: str) -> None:
    for column in ("scan", "subject"):
        empty = np.flatnonzero((frame[column] == "").to_numpy())
        if len(empty):
            raise UsageError(
                f"{source}: row {empty[0] + 1} has no {column}",
                hints=[f"{len(empty)} of {counted(len(frame), 'row')} without: fill it in, or leave them out."],
            )
    repeated = frame["scan"][frame["scan"].duplicated()]
    if len(repeated):
        raise UsageError(
            f"{source}: scan {repeated.iloc[0]!r} is listed more than once",
            hints=[
                f"{counted(repeated.nunique(), 'scan is', 'scans are')} repeated. "
                "A scan's id (its path unless given) stands for one row."
            ],
        )
