"""Splits of ChestX-ray14 as they were published: picture name to side."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from mlfp.errors import UsageError
from mlfp.types.remark import Remark
from mlfp_plugins.datasets.trees import some

#: Of two sides that hold one subject, the scans on the first of these are kept.
PRIORITY = ("test", "val", "train")
#: What the tables of Packhaeuser et al. are called by: train.csv, validation_single_files.csv, ...
_TABLES = {"train": "train", "validation": "val", "val": "val", "test": "test"}
_OFFICIAL = {"train_val_list.txt": "train", "test_list.txt": "test"}


def official(folder: Path) -> list[tuple[str, str]]:
    """NIH's lists: (picture, ``train`` or ``test``); nobody to validate on.

    :raises UsageError: one is not there.
    """
    found: list[tuple[str, str]] = []
    for name, side in _OFFICIAL.items():
        path = folder / name
        if not path.is_file():
            raise UsageError(f"there is no {name} in {str(folder)!r}", hints=["It comes with the pictures from NIH."])
        found += [(picture, side) for picture in path.read_text(encoding="utf-8").split()]
    return found


def packhaeuser(folder: Path) -> list[tuple[str, str]]:
    """The patient split of Packhaeuser et al. 2022 from their CSV files: (picture, side), as often as they say so.

    :raises UsageError: there are none, or one has no column ``Image Index``.
    """
    found: list[tuple[str, str]] = []
    sides: set[str] = set()
    for path in sorted(folder.glob("*.csv")) if folder.is_dir() else []:
        side = _TABLES.get(path.stem.split("_")[0].lower())
        if side is None:
            continue
        names = pd.read_csv(path, dtype=str, usecols=lambda name: name == "Image Index")
        if "Image Index" not in names:
            raise UsageError(f"{path} has no column 'Image Index'")
        found += [(name, side) for name in names["Image Index"].dropna()]
        sides.add(side)
    if not {"train", "test"} <= sides:
        raise UsageError(
            f"no patient split in {str(folder)!r}",
            hints=[
                "Expected: train.csv, validation.csv, test.csv, *_single_files.csv, of PatientRetrieval/csv_files in",
                "https://github.com/kaipackhaeuser/CXR-Patient-ReID; name their folder by split_folder.",
                "Or use NIH's own lists: split: official",
            ],
        )
    return found


def untorn(frame: pd.DataFrame, sides: pd.Series, remarks: list[Remark]) -> tuple[pd.DataFrame, pd.Series]:
    """Leave out what would put a subject on two sides: those of its scans that are on the lesser one.

    :param frame: with ``subject`` and ``scan``.
    :param sides: of its rows.
    """
    rank = sides.map({side: place for place, side in enumerate(PRIORITY)})
    best = rank.groupby(frame["subject"]).transform("min")
    torn = rank > best
    for subject, scans in frame["scan"][torn].groupby(frame["subject"][torn]):
        side = PRIORITY[int(best[scans.index[0]])]
        text = f"is also in {side}, which keeps its scans there; left out: {some(list(scans))}"
        remarks.append(Remark("subject in two splits", str(subject), text))
    return frame[~torn], sides[~torn]


def placed(listed: Iterable[tuple[str, str]], frame: pd.DataFrame, remarks: list[Remark]) -> pd.Series:
    """The side of each row by its picture; a picture that no list has follows its subject, else it trains.

    :param listed: (picture, side); where a picture is on two, the first of :data:`PRIORITY` counts.
    """
    sides: dict[str, str] = {}
    for name, side in listed:
        other = sides.setdefault(name, side)
        if other != side:
            sides[name] = min(other, side, key=PRIORITY.index)
            remarks.append(Remark("picture in two splits", name, f"is in {other} and {side}; {sides[name]} counts"))
    found = frame["scan"].map(sides)
    lost = found.isna()
    if lost.any():
        of_subject = found.dropna().groupby(frame["subject"]).first()
        found = found.where(~lost, frame["subject"].map(of_subject)).fillna("train")
        for scan in frame["scan"][lost]:
            remarks.append(Remark("picture in no split", str(scan), "follows its subject, or is trained on"))
    return found
