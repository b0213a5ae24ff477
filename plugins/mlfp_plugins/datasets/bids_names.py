"""Names and tables of BIDS, read as people write them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mlfp.data.oddities import TORN
from mlfp.types.remark import Remark
from mlfp_plugins.datasets.trees import Nifti

#: Short names of entities to our columns; others keep theirs.
_COLUMNS = {"acq": "acquisition", "ce": "contrast_agent", "rec": "reconstruction"}
#: Columns of participants.tsv that would mean something else to us.
_RENAMED = {"group": "cohort", "path": "path_in_participants", "scan": "scan_in_participants"}
#: Columns that the files' names tell.
_OWN = ("scan", "path", "subject", "session", "modality", "date")


@dataclass(frozen=True)
class Name:
    """What a file's name says: ``sub-01_ses-1_acq-fast_T1w.nii.gz``.

    :param entities: short name to value, in order: ``{"sub": "01", "ses": "1", "acq": "fast"}``.
    :param suffix: ``T1w``.
    """

    entities: dict[str, str]
    suffix: str
    nifti: Nifti

    @classmethod
    def of(cls, file: str) -> Name | None:
        """None for what is no NIfTI, or no name of BIDS."""
        nifti = Nifti.of(file)
        if nifti is None:
            return None
        *parts, suffix = nifti.stem.split("_")
        entities = {}
        for part in parts:
            key, dash, value = part.partition("-")
            if not dash or not value:
                return None
            entities[key] = value
        return cls(entities, suffix, nifti) if "sub" in entities and "-" not in suffix else None

    def columns(self) -> Iterator[tuple[str, str]]:
        """Those that are neither subject nor session, under the names of columns."""
        for key, value in self.entities.items():
            if key not in ("sub", "ses"):
                yield _COLUMNS.get(key, key), value


def table(path: Path) -> pd.DataFrame:
    """A TSV as text, ``n/a`` as nothing; empty where there is none or it is none."""
    try:
        frame = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError):
        return pd.DataFrame()
    return frame.replace("n/a", "").rename(columns=lambda name: str(name).strip())


def participants(top: Path) -> tuple[pd.DataFrame, list[Remark]]:
    """participants.tsv with a column ``subject`` (without ``sub-``), a row a subject; and who is in it twice."""
    frame = table(top / "participants.tsv")
    if "participant_id" not in frame:
        return pd.DataFrame({"subject": []}), []
    frame = frame.assign(subject=frame["participant_id"].str.removeprefix("sub-")).drop(columns="participant_id")
    frame = frame.rename(columns=_RENAMED).drop(columns=[name for name in _OWN if name != "subject"], errors="ignore")
    again = frame["subject"].duplicated(keep=False)
    remarks = []
    for name, rows in frame[again].groupby("subject"):
        torn = "split" in rows and rows["split"].nunique() > 1
        kind = TORN if torn else "participant twice"
        remarks.append(Remark(kind, f"sub-{name}", "is in participants.tsv more than once; the first row counts"))
    return frame[~frame["subject"].duplicated()], remarks


def times(path: Path) -> dict[str, str]:
    """scans.tsv: the day of each file by its name, from ``acq_time``."""
    frame = table(path)
    if not {"filename", "acq_time"} <= set(frame.columns):
        return {}
    names = frame["filename"].str.rpartition("/")[2]
    return dict(zip(names, frame["acq_time"].str[:10], strict=True))
