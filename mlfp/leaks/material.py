"""What is compared: the scans of one or several stores, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mlfp.errors import UsageError
from mlfp.fingerprints.parts import CONTENT, SOURCE, VOXELS
from mlfp.types.fingerprints import Fingerprints

#: Columns that every material has, empty where a source says nothing.
TEXTS = ("scan", "subject", "split", "session", "date", "modality", "path", CONTENT, VOXELS, SOURCE)


@dataclass(frozen=True, eq=False)
class Material:
    """N scans.

    :param frame: :data:`TEXTS`, and ``dataset``: which argument a scan came from.
    :param vectors: (N, D).
    :param people: (N,) numbers: scans of one number are known to be of one subject.
    """

    frame: pd.DataFrame
    vectors: np.ndarray
    distance: str
    model: str
    people: np.ndarray

    def __len__(self) -> int:
        return len(self.frame)

    def column(self, name: str) -> np.ndarray:
        """(N,) text."""
        return self.frame[name].to_numpy(dtype=object)

    @property
    def known_pairs(self) -> int:
        """Pairs of scans that are known to be of one subject."""
        sizes = np.bincount(self.people)
        return int((sizes * (sizes - 1) // 2).sum())

    @property
    def open_pairs(self) -> int:
        """Pairs of scans of which it is not known whose they are."""
        return len(self) * (len(self) - 1) // 2 - self.known_pairs


def gather(named: Sequence[tuple[str, Fingerprints]], *, shared_ids: bool = False) -> Material:
    """Put fingerprints side by side.

    :param named: names of data sets, and their fingerprints.
    :param shared_ids: one subject id means one person in all of them; otherwise only within each.
    :raises UsageError: they are of different models, or there is nothing to compare.
    """
    models = {item.model for _, item in named}
    if len(models) > 1:
        raise UsageError(
            "the stores are of different models, so that their fingerprints cannot be compared",
            hints=["Embed all with one: mlfp embed DATA -o STORE --model MODEL"],
        )
    frames = []
    for name, item in named:
        frame = pd.DataFrame({text: _text(item, text) for text in TEXTS})
        frames.append(frame.assign(dataset=name))
    frame = pd.concat(frames, ignore_index=True)
    if len(frame) < 2:
        raise UsageError("there are fewer than two scans to compare")
    subject = frame["subject"] if shared_ids else frame["dataset"] + "\x1f" + frame["subject"]
    people = np.unique(subject.to_numpy(dtype=str), return_inverse=True)[1].astype(np.int64)
    vectors = np.concatenate([item.vectors for _, item in named])
    return Material(frame, vectors, named[0][1].distance, named[0][1].model, people)


def called(dataset: str, scan: str) -> str:
    """A scan's name among several data sets: ``a/scan``, and ``a:/folder/scan`` if it is called by an absolute path."""
    return f"{dataset}:{scan}" if Path(scan).is_absolute() else f"{dataset}/{scan}"


def names_of(arguments: Sequence[Path | str]) -> list[str]:
    """A name for each argument: as short as tells them apart."""
    paths = [Path(str(argument)) for argument in arguments]
    short = [path.parent.name if path.stem == "scans" and path.parent.name else path.stem for path in paths]
    return [name if short.count(name) == 1 else str(path) for name, path in zip(short, paths, strict=True)]


def _text(item: Fingerprints, name: str) -> np.ndarray:
    if name not in item.table.columns:
        return np.full(len(item.table), "", dtype=object)
    return item.table.column(name)
