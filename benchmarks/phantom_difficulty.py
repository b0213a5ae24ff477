"""How hard is the phantom? Classical baselines on its central axial slice, level by level.

    OMP_NUM_THREADS=1 python benchmarks/phantom_difficulty.py -o benchmarks/results/phantom-difficulty.json

Every scan is a query; all others are the gallery (leave one out). With three sessions a query has two mates, so
``map_at_3`` divides by two. ``outline`` correlates the masks of the slices: what it solves, a model can solve without
looking at the brain. ``outline T1>T2`` and ``correlation T1>T2`` rank T2 scans of other sessions for T1 queries.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from mlfp_plugins.datasets.phantom import Phantom

from mlfp.bench.environment import environment

Score = Callable[[np.ndarray, np.ndarray], np.ndarray]


def slices(level: str, subjects: int, modality: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """(N, I, J) central axial slices, (N,) subjects, (N,) sessions, and the CPU seconds a scan took."""
    data = Phantom(subjects=subjects, level=level, modalities=(modality,))  # type: ignore[arg-type]
    table, started = data.table(), time.process_time()
    images = [data.read(row).data[0, :, :, 32] for row in table]
    seconds = (time.process_time() - started) / len(table)
    return np.stack(images), table.subjects.astype(str), table.column("session").astype(str), seconds


def correlation(queries: np.ndarray, gallery: np.ndarray) -> np.ndarray:
    """(Q, G) Pearson correlation of all pixels."""

    def unit(images: np.ndarray) -> np.ndarray:
        flat = images.reshape(len(images), -1).astype(np.float64)
        flat -= flat.mean(axis=1, keepdims=True)
        return np.asarray(flat / np.linalg.norm(flat, axis=1, keepdims=True))

    return np.asarray(unit(queries) @ unit(gallery).T)


def outline(queries: np.ndarray, gallery: np.ndarray) -> np.ndarray:
    """(Q, G) correlation of the masks alone."""
    return correlation(queries > 0, gallery > 0)


def ssim(queries: np.ndarray, gallery: np.ndarray) -> np.ndarray:
    """(Q, G) structural similarity, as scikit-image computes it."""
    from skimage.metrics import structural_similarity

    scores = np.eye(len(queries), len(gallery))
    for i, j in zip(*np.triu_indices(len(queries), 1), strict=True):  # it is symmetric, and both are the same scans
        scores[i, j] = scores[j, i] = structural_similarity(queries[i], gallery[j], data_range=1.0)
    return scores


def metrics(scores: np.ndarray, subjects: np.ndarray, excluded: np.ndarray) -> dict[str, float]:
    """hit_at_1, hit_at_3 and map_at_3 in per cent.

    :param excluded: (Q, G) gallery scans that do not count.
    """
    order = np.argsort(-np.where(excluded, -np.inf, scores), axis=1, kind="stable")
    mates = (subjects[:, None] == subjects[None, :]) & ~excluded
    hits = np.take_along_axis(mates, order, axis=1)[:, :3]
    precision = np.cumsum(hits, axis=1) / np.arange(1, 4)
    average = (precision * hits).sum(axis=1) / np.minimum(3, mates.sum(axis=1))
    values = {"hit_at_1": hits[:, 0], "hit_at_3": hits.any(axis=1), "map_at_3": average}
    return {name: round(100 * float(np.mean(value)), 1) for name, value in values.items()}


def measure(level: str, subjects: int) -> dict[str, object]:
    """All baselines on one level."""
    t1, people, sessions, seconds = slices(level, subjects, "T1")
    t2, *_ = slices(level, subjects, "T2")
    itself = np.eye(len(t1), dtype=bool)
    scorers: dict[str, Score] = {"correlation": correlation, "ssim": ssim, "outline": outline}
    result: dict[str, object] = {name: metrics(score(t1, t1), people, itself) for name, score in scorers.items()}
    same_session = (people[:, None] == people[None, :]) & (sessions[:, None] == sessions[None, :])
    for name in ("correlation", "outline"):
        result[f"{name} T1>T2"] = metrics(scorers[name](t1, t2), people, same_session)
    return {**result, "cpu_seconds_per_scan": round(seconds, 3)}


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subjects", type=int, default=40)
    parser.add_argument("--levels", nargs="+", default=["easy", "medium", "hard"])
    parser.add_argument("-o", "--out", type=Path)
    given = parser.parse_args()
    machine = environment()
    levels = {level: measure(level, given.subjects) for level in given.levels}
    text = json.dumps(
        {
            "command": shlex.join(["python", "benchmarks/phantom_difficulty.py", *sys.argv[1:]]),
            "machine": {name: machine[name] for name in ("processor", "cores", "system", "python", "versions")},
            "subjects": given.subjects,
            "sessions": 3,
            "chance_hit_at_1": round(100 * 2 / (3 * given.subjects - 1), 1),
            "unit": "per cent",
            "levels": levels,
        },
        indent=1,
    )
    if given.out:
        given.out.write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
