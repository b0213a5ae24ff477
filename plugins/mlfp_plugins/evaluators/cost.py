"""What a method costs where it is used: time and bytes."""

from __future__ import annotations

import time
from typing import Literal

import numpy as np

from mlfp.seeds import numpy_generator
from mlfp.types.estimate import Estimate
from mlfp.types.measured import Measured
from mlfp.types.trial import Trial

#: Queries that are timed, and scans that are described at a time.
QUERIES, SCANS = 50, 16


class Cost:
    """``images_per_second`` described, ``ms_per_query`` against the gallery, and ``bytes_per_scan`` that are stored.

    Wall-clock on this machine, whatever else it does: to compare methods of one comparison, not of two. Scans come
    prepared. Values are medians; intervals hold 95 % of the single timings, ``n`` counts them. A query is compared with
    the gallery alone, as when somebody asks. Bytes are those of vectors; a method without any has none to store.

    :param repeats: times that a batch of scans is described.
    """

    needs: Literal["ranking"] = "ranking"
    #: Another call takes another time.
    repeatable = False

    def __init__(self, repeats: int = 5) -> None:
        self.repeats = repeats

    def __call__(self, trial: Trial) -> Measured:
        """Measure."""
        generator = numpy_generator(trial.seed, "cost", len(trial.queries))
        asking = generator.permutation(len(trial.queries))[:QUERIES]
        everyone = np.arange(len(trial.gallery))
        trial.similarity.block(asking[:1], everyone)  # compiles, and fills what is remembered
        found = {"ms_per_query": _estimate([1000 * _one(trial, query, everyone) for query in asking])}
        notes = []
        if trial.scans is None:
            notes.append("images_per_second needs the scans, and there are only their fingerprints")
        else:
            trial.scans.describe(SCANS)
            found["images_per_second"] = _estimate([_speed(trial) for _ in range(self.repeats)])
        if trial.gallery_vectors is not None:
            stored = float(trial.gallery_vectors[:1].nbytes)
            found["bytes_per_scan"] = Estimate(stored, stored, stored, len(trial.gallery))
        return Measured(found, notes=notes)


def _one(trial: Trial, query: int, gallery: np.ndarray) -> float:
    started = time.perf_counter()
    scores = trial.similarity.block(np.array([query]), gallery)
    scores.argmax(axis=1)
    return time.perf_counter() - started


def _speed(trial: Trial) -> float:
    assert trial.scans is not None, "asked before"
    started = time.perf_counter()
    described = trial.scans.describe(SCANS)
    return described / max(time.perf_counter() - started, 1e-9)


def _estimate(timings: list[float]) -> Estimate:
    low, middle, high = np.quantile(timings, [0.025, 0.5, 0.975])
    return Estimate(float(middle), float(low), float(high), len(timings))
