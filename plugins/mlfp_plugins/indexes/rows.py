"""Ids and vectors side by side: what every index keeps."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mlfp.errors import ParameterError, UsageError
from mlfp.execution.files import write_atomically

METRICS = ("cosine", "inner", "l2")


class Rows:
    """(N,) ids and (N, D) vectors, as the metric wants them: of length 1 for ``cosine``.

    :param metric: ``cosine``, ``inner`` or ``l2``.
    :raises ParameterError: no such metric.
    """

    def __init__(self, metric: str) -> None:
        if metric not in METRICS:
            raise ParameterError(
                f"unknown metric {metric!r}", key=("metric",), hints=[f"Metrics: {', '.join(METRICS)}"]
            )
        self.metric = metric
        self.ids: list[str] = []
        self._place: dict[str, int] = {}
        self._vectors: list[np.ndarray] = []

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def vectors(self) -> np.ndarray:
        """(N, D) float32."""
        if len(self._vectors) > 1:
            self._vectors = [np.concatenate(self._vectors)]
        return self._vectors[0] if self._vectors else np.zeros((0, 0), dtype=np.float32)

    def prepared(self, vectors: np.ndarray) -> np.ndarray:
        """Vectors as they are compared.

        :raises UsageError: they are of another length than those here.
        """
        found = np.ascontiguousarray(vectors, dtype=np.float32)
        if self._vectors and found.shape[1] != self._vectors[0].shape[1]:
            raise UsageError(f"vectors of {found.shape[1]} numbers among vectors of {self._vectors[0].shape[1]}")
        if self.metric == "cosine":
            lengths = np.linalg.norm(found, axis=1, keepdims=True)
            found = found / np.where(lengths > 0, lengths, 1)
        return found

    def add(self, ids: Sequence[str], vectors: np.ndarray) -> np.ndarray:
        """Add them; gives the vectors as they are compared.

        :raises UsageError: an id is there already.
        """
        twice = [item for item in ids if item in self._place]
        if twice or len(set(ids)) != len(ids):
            raise UsageError(f"{(twice or list(ids))[0]!r} is in the index already", hints=["Remove it first."])
        found = self.prepared(vectors)
        self._place |= {item: len(self.ids) + place for place, item in enumerate(ids)}
        self.ids += ids
        self._vectors.append(found)
        return found

    def remove(self, ids: Sequence[str]) -> np.ndarray:
        """Forget them; gives the positions they had. Those after them move up."""
        gone = np.array(sorted(self._place[item] for item in set(ids) if item in self._place), dtype=np.int64)
        stay = np.ones(len(self.ids), dtype=bool)
        stay[gone] = False
        self._vectors = [self.vectors[stay]] if self._vectors else []
        self.ids = [item for item, kept in zip(self.ids, stay, strict=True) if kept]
        self._place = {item: place for place, item in enumerate(self.ids)}
        return gone

    def allowed(self, where: Callable[[str], bool] | None) -> np.ndarray | None:
        """(N,) bool: for which ids ``where`` holds; None is all."""
        return None if where is None else np.array([where(item) for item in self.ids], dtype=bool)

    def named(self, places: np.ndarray, scores: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """(Q, k) ids and similarities, filled up with ``""`` and minus infinity where fewer than k were found."""
        names = np.full((len(places), k), "", dtype=object)
        found = np.full((len(places), k), -np.inf, dtype=np.float32)
        width = min(k, places.shape[1])
        there = (places[:, :width] >= 0) & np.isfinite(scores[:, :width])
        ids = np.array([*self.ids, ""], dtype=object)
        names[:, :width] = np.where(there, ids[places[:, :width]], "")
        found[:, :width] = np.where(there, scores[:, :width], -np.inf)
        return names, found

    def save(self, path: Path, **others: np.ndarray) -> None:
        """Write them, and other arrays beside them."""
        content = io.BytesIO()
        given: dict[str, Any] = {"ids": np.array(self.ids, dtype=str), "vectors": self.vectors, "metric": self.metric}
        np.savez(content, **given | others)
        write_atomically(path, content.getvalue())

    def load(self, path: Path) -> dict[str, np.ndarray]:
        """Read what :meth:`save` wrote; gives the other arrays.

        :raises UsageError: there is none, or it is of another metric.
        """
        if not path.is_file():
            raise UsageError(
                f"there is no index at {path}", hints=["An index can be made again from its fingerprints."]
            )
        with np.load(path, allow_pickle=False) as kept:
            if str(kept["metric"]) != self.metric:
                raise UsageError(f"the index at {path} is for {kept['metric']}, not for {self.metric}")
            self.ids = [str(item) for item in kept["ids"]]
            self._vectors = [kept["vectors"]] if len(self.ids) else []
            others = {name: kept[name] for name in kept.files if name not in ("ids", "vectors", "metric")}
        self._place = {item: place for place, item in enumerate(self.ids)}
        return others
