"""What is odd about a table of scans, whatever it came from."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import numpy as np
import pandas as pd

from mlfp.types.remark import Remark
from mlfp.types.scan_table import ScanTable

#: A modality that more than this share of the sessions have is missed in the others.
_USUAL = 0.5
TORN, MISSING, REPEATED = "subject in two splits", "missing modality", "duplicate session"


def oddities(table: ScanTable) -> list[Remark]:
    """What the data set remarked, and what the table shows by itself; of each kind, the data set's word counts."""
    told = {remark.kind for remark in table.remarks}
    found = [*torn(table.frame), *missing_modalities(table.frame), *repeated(table.frame)]
    return [*table.remarks, *(remark for remark in found if remark.kind not in told)]


def torn(frame: pd.DataFrame) -> Iterator[Remark]:
    """Subjects that the column ``split`` puts on two sides."""
    if "split" not in frame:
        return
    sides = frame[frame["split"] != ""].groupby("subject")["split"].unique()
    for subject, names in sides.items():
        if len(names) > 1:
            yield Remark(TORN, str(subject), f"is in {' and '.join(sorted(names))}")


def missing_modalities(frame: pd.DataFrame) -> Iterator[Remark]:
    """Sessions (or subjects, where there are none) without a modality that most of them have."""
    if "modality" not in frame:
        return
    kinds, names = pd.factorize(frame["modality"])
    keys = [key for key in ("subject", "session") if key in frame]
    units = _numbered(frame[keys])
    everyone, first = np.unique(units, return_index=True)
    for kind, name in enumerate(names):
        lacking = ~np.isin(everyone, units[kinds == kind])
        having = len(everyone) - int(lacking.sum())
        if name and _USUAL * len(everyone) < having < len(everyone):
            for parts in frame[keys].iloc[first[lacking]].sort_values(keys).itertuples(index=False, name=None):
                about = " session ".join(part for part in parts if part)
                yield Remark(MISSING, about, f"has no {name}; {having} of {len(everyone)} have one")


def _numbered(frame: pd.DataFrame) -> np.ndarray:
    """(N,) a number for each row, the same where the rows are the same; as tuples, many rows take seconds."""
    numbers = np.zeros(len(frame), dtype=np.int64)
    for column in frame:
        codes, values = pd.factorize(frame[column], use_na_sentinel=False)
        numbers = numbers * (len(values) + 1) + codes
    return numbers


def repeated(frame: pd.DataFrame) -> Iterator[Remark]:
    """Scans that the table tells apart by nothing but their id: one session twice, or two files of one scan."""
    columns = [name for name in frame if name not in ("scan", "path")]
    if "session" not in frame or not frame.duplicated(columns).any():
        return
    keys = [name for name in ("subject", "session", "modality", "view") if name in frame]
    again = frame.duplicated(columns, keep=False)
    for values, scans in frame[again].groupby(keys)["scan"]:
        listed = list(scans)
        more = f" and {len(listed) - 3} more" if len(listed) > 3 else ""
        text = f"has {len(listed)} scans that nothing tells apart ({', '.join(listed[:3])}{more})"
        yield Remark(REPEATED, " ".join(str(value) for value in values if value), text)


def days_between(frame: pd.DataFrame) -> np.ndarray:
    """Days from each session of a subject to the next, by ``date``, else by a ``session`` that is a date; sorted."""
    for column in ("date", "session"):
        if column in frame:
            codes, texts = pd.factorize(frame[column])
            days = np.array([_day(text) for text in texts], dtype=np.int64)[codes]
            if (days > 0).any():
                sessions = frame.assign(day=days)[days > 0].drop_duplicates(["subject", "day"])
                apart = sessions.sort_values("day").groupby("subject")["day"].diff().dropna()
                return np.sort(apart.to_numpy(dtype=int))
    return np.array([], dtype=int)


def _day(text: str) -> int:
    """Number of an ISO date (``2006-04-18``, ``20060418``, whatever time follows); 0 where it is none."""
    digits = text[:10] if text[4:5] == "-" else text[:8]
    if not digits.replace("-", "").isdigit() or len(digits.replace("-", "")) != 8:
        return 0
    try:
        day = date.fromisoformat(digits)
    except ValueError:
        return 0
    return day.toordinal() if 1900 <= day.year <= 2200 else 0
