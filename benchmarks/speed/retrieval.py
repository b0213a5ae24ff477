"""What measuring costs, beside pytorch-metric-learning, a plain loop and scikit-image.

    OMP_NUM_THREADS=1 python benchmarks/speed/retrieval.py

Process CPU time on one thread, medians of interleaved runs, ratio of medians. Retrieval: precision_at_1, r_precision
and map_at_r of 128-d vectors, 5 scans a subject; AccuracyCalculator looks for neighbours with faiss, by default among
all references, with ``max_bin_count`` among as many as R needs. Ours includes the hit rates and a bootstrap of every
metric in the row "with intervals", which the others do not have. Few-shot: per episode, vectors given; the plain loop
measures, sorts and counts query by query, as in the released code of Few-Shot Fingerprinting (without its vote). SSIM:
per pair of 256 x 256 pictures, what is computed once a picture included, 24 pictures with each other.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from _kept import keep
from mlfp_plugins.evaluators.retrieval import Retrieval
from mlfp_plugins.scorers.ssim import SSIM
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
from scipy.ndimage import gaussian_filter
from skimage.metrics import structural_similarity

from mlfp.evaluation import metrics
from mlfp.evaluation.episodes import Episode, Episodes
from mlfp.evaluation.ranking import rank
from mlfp.evaluation.similarity import VectorSimilarity
from mlfp.types.scan_table import ScanTable
from mlfp.types.trial import Trial

RESULT = Path(__file__).parents[1] / "results" / "speed-evaluation.json"
INCLUDE = ("precision_at_1", "r_precision", "mean_average_precision_at_r")
Work = Callable[[], Any]


def scans(subjects: int, each: int) -> tuple[ScanTable, np.ndarray]:
    """Scans with unit vectors of 128 numbers that cluster by subject."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(subjects), each)
    vectors = rng.normal(size=(subjects, 128))[labels] + 1.5 * rng.normal(size=(len(labels), 128))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    frame = pd.DataFrame({"scan": [f"scan-{place}" for place in range(len(labels))], "subject": labels.astype(str)})
    return ScanTable(frame), vectors.astype(np.float32)


def milliseconds(works: Sequence[Work], repeats: int) -> list[float]:
    """Median CPU time of each, run in turn so that a busy minute falls on all."""
    taken: list[list[float]] = [[] for _ in works]
    for turn in range(repeats + 1):
        for place, work in enumerate(works):
            started = time.process_time()
            work()
            if turn:  # the first compiles and warms up
                taken[place].append(1000 * (time.process_time() - started))
    return [statistics.median(times) for times in taken]


def _ours(table: ScanTable, vectors: np.ndarray) -> dict[str, float]:
    ranking = rank(Trial(table, table, VectorSimilarity(vectors, vectors)))
    wanted = (metrics.precision_at_1, metrics.r_precision, metrics.map_at_r)
    return {metric.__name__: float(metric(ranking).mean()) for metric in wanted}


def _ours_with_intervals(table: ScanTable, vectors: np.ndarray) -> Any:
    return Retrieval()(Trial(table, table, VectorSimilarity(vectors, vectors)))


def _pml(vectors: torch.Tensor, labels: torch.Tensor, k: str | None) -> dict[str, float]:
    calculator = AccuracyCalculator(include=INCLUDE, k=k, device=torch.device("cpu"))
    figures: dict[str, float] = calculator.get_accuracy(vectors, labels)
    return figures


def retrieval(number: int, repeats: int) -> list[list[Any]]:
    table, vectors = scans(number // 5, 5)
    tensors = torch.from_numpy(vectors), torch.from_numpy(table.labels())
    assert abs(_ours(table, vectors)["map_at_r"] - _pml(*tensors, "max_bin_count")[INCLUDE[2]]) < 1e-4
    works = {
        "mlfp": partial(_ours, table, vectors),
        "mlfp, with intervals": partial(_ours_with_intervals, table, vectors),
        "PML, default": partial(_pml, *tensors, None),
        "PML, max_bin_count": partial(_pml, *tensors, "max_bin_count"),
    }
    taken = dict(zip(works, milliseconds(list(works.values()), repeats), strict=True))
    task = f"retrieval, {number} scans"
    return [
        _row(task, ours, taken[ours], peer, taken[peer])
        for ours, peer in (
            ("mlfp", "PML, default"),
            ("mlfp", "PML, max_bin_count"),
            ("mlfp, with intervals", "PML, max_bin_count"),
        )
    ]


def _loop(episode: Episode, vectors: torch.Tensor, shots: int) -> tuple[float, list[float]]:
    """recall_at_k_shot and hit_at_1 to 5 of one episode, query by query."""
    supports = vectors[torch.from_numpy(episode.supports.ravel())]
    owners = np.repeat(np.arange(len(episode.queries)), shots)
    recall, hits = 0.0, np.zeros(5)
    for place, query in enumerate(episode.queries):
        distances = torch.cdist(vectors[query][None], supports)[0]
        found = owners[torch.argsort(distances).numpy()] == place
        recall += found[:shots].mean()
        hits += [found[:rank].any() for rank in range(1, 6)]
    return recall / len(episode.queries), list(hits / len(episode.queries))


def _episodes(episodes: Episodes, drawn: Sequence[Episode], similarity: VectorSimilarity, shots: int) -> list[Any]:
    answers = [episodes.answer(episode, similarity, max(shots, 5)) for episode in drawn]
    return [(own[:, :shots].mean(), [own[:, :r].any(axis=1).mean() for r in range(1, 6)]) for own in answers]


def few_shot(ways: int, shots: int, number: int, repeats: int) -> list[Any]:
    table, vectors = scans(1200, shots + 1)
    episodes, similarity = Episodes(table, table, (), shots), VectorSimilarity(vectors, vectors)
    drawn = list(episodes.draw(ways, seed=0, episodes=number))
    tensor = torch.from_numpy(vectors)
    assert abs(_episodes(episodes, drawn[:1], similarity, shots)[0][0] - _loop(drawn[0], tensor, shots)[0]) < 1e-3
    ours, loop = milliseconds(
        [
            lambda: _episodes(episodes, drawn, similarity, shots),
            lambda: [_loop(episode, tensor, shots) for episode in drawn],
        ],
        repeats,
    )
    return _row(f"{ways}-way {shots}-shot episode", "mlfp", ours / number, "plain loop", loop / number)


def ssim(repeats: int) -> list[Any]:
    rng = np.random.default_rng(0)
    pictures = np.stack([gaussian_filter(rng.normal(size=(256, 256)), 3) for _ in range(24)]).astype(np.float32)
    pictures /= np.abs(pictures).max()
    tensor, scorer = torch.from_numpy(pictures[:, None]), SSIM(data_range=2.0)

    def ours() -> None:
        described = scorer.describe(tensor)
        scorer.score(described, described)

    def theirs() -> None:
        for other in pictures:
            structural_similarity(pictures[0], other, data_range=2.0)

    mine, peer = milliseconds([ours, theirs], repeats)
    return _row("SSIM, a pair of 256 x 256", "mlfp", mine / 24**2, "scikit-image", peer / 24)


def _row(task: str, ours: str, mine: float, peer: str, other: float) -> list[Any]:
    return [task, ours, float(f"{mine:.3g}"), peer, float(f"{other:.3g}"), f"{other / mine:.1f}x"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--out", type=Path, default=RESULT)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows: list[list[Any]] = []
    for number in (2000, 5000):
        rows += retrieval(number, arguments.repeats)
    for ways, shots, number in ((20, 1, 50), (100, 5, 20), (1000, 1, 2), (1000, 5, 1)):
        rows.append(few_shot(ways, shots, number, arguments.repeats))
    rows.append(ssim(arguments.repeats))
    for row in rows:
        print(*row, sep="\t", file=sys.stderr)
    columns = ["task", "ours", "ours, ms CPU", "peer", "peer, ms CPU", "ratio"]
    keep(arguments.out, "Evaluation", columns, rows)


if __name__ == "__main__":
    main()
