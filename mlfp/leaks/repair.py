"""Splits without leaks: whoever is in one cluster goes to one side."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from sklearn.model_selection import GroupKFold

from mlfp.errors import ParameterError
from mlfp.execution.files import write_atomically

Policy = Literal["move", "drop"]
#: Sides in the order in which they claim a cluster.
PRIORITY = ("train", "val", "test")
#: Names that files give these sides.
SIDES = {"training": "train", "validation": "val", "valid": "val", "dev": "val", "testing": "test"}
FOLDS = 5
DROPPED = "dropped"


@dataclass(frozen=True)
class Repaired:
    """New sides.

    :param before: (N,) sides as they were, ``""`` where none was given.
    :param after: (N,) sides now; ``dropped`` for scans to leave out.
    """

    before: np.ndarray
    after: np.ndarray

    @property
    def changed(self) -> int:
        """Scans whose side changed."""
        return int((self.before != self.after).sum())


def repair(
    splits: np.ndarray, groups: np.ndarray, *, priority: Sequence[str] = PRIORITY, policy: Policy = "move"
) -> Repaired:
    """Give every group one side: the first in the order of priority that any of its scans is on.

    :param splits: (N,) names of sides, ``""`` where a scan is on none.
    :param groups: (N,) numbers.
    :param policy: whether scans of a group on its other sides ``move`` to the one, or are ``drop``ped.
    :raises ParameterError: no such policy.
    """
    if policy not in ("move", "drop"):
        raise ParameterError(f"unknown policy {policy!r}", key=("policy",), hints=["Policies: move, drop"])
    rank = {name: place for place, name in enumerate(priority)}
    order = np.array([rank.get(SIDES.get(name.lower(), name), len(rank)) if name else len(rank) + 1 for name in splits])
    after = splits.copy()
    claimed: dict[int, int] = {}
    for place in np.argsort(order, kind="stable"):
        if splits[place]:
            claimed.setdefault(int(groups[place]), int(place))
    for place, group in enumerate(groups.tolist()):
        if splits[place] and group in claimed and splits[claimed[group]] != splits[place]:
            after[place] = splits[claimed[group]] if policy == "move" else DROPPED
    return Repaired(splits, after)


def write(
    folder: Path, repaired: Repaired, scans: Sequence[str], subjects: Sequence[str], groups: np.ndarray
) -> list[Path]:
    """Write ``splits.csv``, ``splits.json``, nnU-Net's ``splits_final.json`` and scikit-learn's ``groups.csv``."""
    told = zip(scans, subjects, groups.tolist(), repaired.before, repaired.after, strict=True)
    rows = [(*row, _action(row[3], row[4])) for row in told]
    sides: dict[str, list[str]] = {}
    for scan, side in zip(scans, repaired.after, strict=True):
        if side:
            sides.setdefault(str(side), []).append(scan)
    files = {
        "splits.csv": _csv(("scan", "subject", "group", "split_before", "split", "action"), rows),
        "splits.json": json.dumps(sides, indent=1),
        "splits_final.json": json.dumps(folds(repaired.after, scans, groups), indent=1),
        "groups.csv": _csv(("scan", "group"), list(zip(scans, groups.tolist(), strict=True))),
    }
    for name, text in files.items():
        write_atomically(folder / name, text.encode())
    return [folder / name for name in files]


def folds(splits: np.ndarray, scans: Sequence[str], groups: np.ndarray) -> list[dict[str, list[str]]]:
    """As nnU-Net reads them: cases to train and validate on. One fold where there are sides, else five by group.

    A case is a file's name without its ending and without nnU-Net's number of the channel.
    """
    cases = np.array([case(scan) for scan in scans], dtype=object)
    sides = np.array([SIDES.get(str(name).lower(), str(name)) for name in splits], dtype=object)
    if (sides == "train").any():
        held = "val" if (sides == "val").any() else "test"
        return [{"train": sorted(set(cases[sides == "train"])), "val": sorted(set(cases[sides == held]))}]
    count = min(FOLDS, len(np.unique(groups)))
    if count < 2:
        return []
    parts = GroupKFold(n_splits=count).split(cases, groups=groups)
    return [{"train": sorted(set(cases[train])), "val": sorted(set(cases[val]))} for train, val in parts]


def case(scan: str) -> str:
    """nnU-Net's name of a case: ``imagesTr/BRATS_001_0000.nii.gz`` is ``BRATS_001``."""
    name = re.sub(r"(\.nii)?\.[A-Za-z]+$|\.nii$", "", scan.rsplit("/", 1)[-1])
    return re.sub(r"_\d{4}$", "", name)


def _action(before: str, after: str) -> str:
    if before == after:
        return "kept"
    return "dropped" if after == DROPPED else "moved"


def _csv(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    content = io.StringIO(newline="")
    writer = csv.writer(content)
    writer.writerow(header)
    writer.writerows(rows)
    return content.getvalue()
