"""The tables of a BIDS data set beside its images: who its people are, and when they were scanned."""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from mlfp.execution.files import write_atomically
from mlfp.preparing.names import Name

#: What is told of people, where it is the same in all of their scans.
_OF_PEOPLE = ("site", "sex", "diagnosis", "cohort")

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def write_tables(folder: Path, names: Sequence[Name], frame: pd.DataFrame) -> None:
    """``participants.tsv``, with the ids that subjects had before, and ``*_scans.tsv`` where days are known.

    :param names: of the scans that are done.
    :param frame: their rows.
    """
    labels = [name.folder.partition("/")[0] for name in names]
    people = frame.assign(participant_id=labels, source_id=frame["subject"]).groupby("participant_id")
    told = [name for name in _OF_PEOPLE if name in frame and (people[name].nunique() == 1).all()]
    first = people.first().reset_index()[["participant_id", "source_id", *told]]
    _write(folder / "participants.tsv", first.columns.tolist(), first.to_numpy().tolist())
    visits: dict[Path, list[list[str]]] = defaultdict(list)
    for name, day in zip(names, frame.get("date", [""] * len(frame)), strict=True):
        visit, _, kind = name.folder.rpartition("/")
        if _DAY.fullmatch(day):
            ending = ".nii.gz" if (folder / f"{name.stem}.nii.gz").is_file() else ".png"
            table = folder / visit / f"{visit.replace('/', '_')}_scans.tsv"
            image = f"{kind}/{name.stem.rpartition('/')[2]}{ending}"
            visits[table].append([image, f"{day}T00:00:00"])  # the standard wants a time
    for table, rows in visits.items():
        _write(table, ["filename", "acq_time"], sorted(rows))


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    content = io.StringIO()
    writer = csv.writer(content, delimiter="\t", lineterminator="\n")
    writer.writerow(header)
    writer.writerows(["n/a" if pd.isna(value) or value == "" else value for value in row] for row in rows)
    text = content.getvalue().encode()
    if not path.is_file() or path.read_bytes() != text:
        write_atomically(path, text)
