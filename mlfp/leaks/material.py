"""What is compared: the scans of one or several stores, side by side."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mlfp.errors import UsageError
from mlfp.fingerprints.parts import CONTENT, SOURCE, VOXELS
from mlfp.types.fingerprints import Fingerprints

#: People of a data set from which on its mean is more the data set's than theirs.
FEW = 10
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

    @functools.cached_property
    def sets(self) -> np.ndarray:
        """(N,) numbers of the data sets that scans came from."""
        found: np.ndarray = np.unique(self.frame["dataset"].to_numpy(dtype=str), return_inverse=True)[1]
        return found

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
    whose = np.split(people, np.cumsum([len(item.table) for _, item in named])[:-1])
    vectors = np.concatenate(
        [
            centred(item.vectors, common(item.vectors, ids, item.distance), item.distance)
            for (_, item), ids in zip(named, whose, strict=True)
        ]
    )
    return Material(frame, vectors, named[0][1].distance, named[0][1].model, people)


def common(vectors: np.ndarray, people: np.ndarray, distance: str) -> np.ndarray:
    """(D,) what the people of a data set have in common in their (N, D) fingerprints: scanner, contrast, field of view.

    Of few people the mean is mostly of them: of P, ``P / (P + FEW)`` of it is common. Only for the cosine, to which a
    direction that all lie in makes all alike; for others there is nothing.
    """
    if distance != "cosine":
        return np.zeros(vectors.shape[1], dtype=np.float32)
    member, sizes = np.unique(people, return_inverse=True, return_counts=True)[1:]
    mean = (1 / sizes[member]) @ directions(vectors)  # every person counts once
    found: np.ndarray = (mean / (len(sizes) + FEW)).astype(np.float32)
    return found


def directions(vectors: np.ndarray) -> np.ndarray:
    """(N, D) of length 1."""
    found: np.ndarray = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return found


def centred(vectors: np.ndarray, mean: np.ndarray, distance: str) -> np.ndarray:
    """(N, D) fingerprints less what :func:`common` found."""
    return (directions(vectors) - mean).astype(np.float32) if distance == "cosine" else vectors


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
