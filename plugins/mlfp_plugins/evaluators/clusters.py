"""How tight subjects lie and how far apart, and whether a clustering finds them."""

from __future__ import annotations

from typing import Literal

import numpy as np

from mlfp.errors import UsageError
from mlfp.evaluation import intervals, roc
from mlfp.seeds import numpy_generator
from mlfp.types.estimate import Estimate, Units
from mlfp.types.exhibit import Axis, Bars, Histogram
from mlfp.types.measured import Measured
from mlfp.types.trial import Trial

#: Bins of the histogram of distances.
BINS = 50


class Clusters:
    """``miasd`` and ``miesd`` (Few-Shot Fingerprinting, section 2.5), and the adjusted Rand index of a clustering.

    Distances are Euclidean, of vectors as the model gives them, or of unit vectors where its distance is the cosine.
    ``miasd``, the mean intra-subject distance, is that of a subject's vectors to their mean, averaged over the subject
    and then over subjects with two scans or more. ``miesd``, the mean inter-subject distance, is that of a subject's
    mean to all others'. Both have the model's own scale; ``separation`` is ``miesd / miasd``. ``adjusted_rand``
    compares the subjects with an average-linkage clustering into as many clusters as there are subjects: 1 is perfect,
    0 is chance. It looks at the queries alone; where there are more than ``most`` scans, at a draw of subjects.

    :param most: scans that are clustered at most.
    """

    needs: Literal["vectors"] = "vectors"

    def __init__(self, most: int = 3000) -> None:
        self.most = most

    def __call__(self, trial: Trial) -> Measured:
        """Measure.

        :raises UsageError: there are fewer than two subjects, or none has two scans.
        """
        assert trial.query_vectors is not None, "only methods that embed are measured"
        vectors = trial.query_vectors.astype(np.float64)
        if trial.distance == "cosine":
            vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        names, codes = np.unique(trial.queries.subjects.astype(str), return_inverse=True)
        counts = np.bincount(codes)
        if len(names) < 2 or counts.max() < 2:
            raise UsageError("clusters needs two subjects or more, one of them with two scans")
        means = np.stack([np.bincount(codes, column) for column in vectors.T], axis=1) / counts[:, None]
        own = np.linalg.norm(vectors - means[codes], axis=1)
        within = (np.bincount(codes, own) / counts)[counts > 1]
        between, sample = _between(means)
        several = names[counts > 1]
        estimates = {
            "miasd": _mean(several, within, trial.seed),
            "miesd": _mean(names, between, trial.seed),
            "separation": _ratio(within, between, counts > 1, trial.seed),
            "adjusted_rand": self._rand(vectors, codes, trial.seed),
        }
        shown = _histogram(own[counts[codes] > 1], sample)
        return Measured(estimates, exhibits={"distances": shown})

    def _rand(self, vectors: np.ndarray, codes: np.ndarray, seed: int) -> Estimate:
        from scipy.cluster.hierarchy import fcluster, linkage

        chosen = _some(codes, self.most, seed)
        subjects, labels = np.unique(codes[chosen], return_inverse=True)
        tree = linkage(vectors[chosen], "average")
        clusters = fcluster(tree, len(subjects), "maxclust") - 1
        table = np.zeros((len(subjects), int(clusters.max()) + 1))
        np.add.at(table, (labels, clusters), 1)
        value = _adjusted_rand(np.ones((1, len(subjects))), table)[0]
        resampled = np.concatenate(
            [_adjusted_rand(times, table) for times in intervals.draws(len(subjects), seed=seed)]
        )
        return roc.bounded(float(value), resampled, len(chosen))


def _mean(names: np.ndarray, values: np.ndarray, seed: int) -> Estimate:
    return intervals.estimate(Units(names, names, values, np.ones(len(names))), seed=seed, proportion=False)


def _ratio(within: np.ndarray, between: np.ndarray, several: np.ndarray, seed: int) -> Estimate:
    inside = np.zeros(len(between))
    inside[several] = within

    def ratio(times: np.ndarray) -> np.ndarray:
        nothing = np.full(len(times), np.nan)
        mean = np.divide(times @ inside, times @ several, out=nothing.copy(), where=times @ several > 0)
        return np.asarray(np.divide(times @ between / times.sum(axis=1), mean, out=nothing, where=mean > 0))

    value = ratio(np.ones((1, len(between))))[0]
    resampled = np.concatenate([ratio(times) for times in intervals.draws(len(between), seed=seed)])
    return roc.bounded(float(value), resampled, len(between))


def _between(means: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(S,) mean distance of each subject's mean to all others'; and a sample of the distances."""
    squares = (means**2).sum(axis=1)
    mean, sample = np.zeros(len(means)), []
    for start in range(0, len(means), 256):
        rows = slice(start, start + 256)
        apart = np.sqrt(np.maximum(squares[rows, None] + squares - 2 * means[rows] @ means.T, 0))
        mean[rows] = apart.sum(axis=1) / (len(means) - 1)
        sample.append(apart[np.arange(len(means))[rows][:, None] < np.arange(len(means))][:: 1 + start // 256])
    return mean, np.concatenate(sample)


def _some(codes: np.ndarray, most: int, seed: int) -> np.ndarray:
    """Positions of all scans, or of those of as many drawn subjects as fit."""
    if len(codes) <= most:
        return np.arange(len(codes))
    order = numpy_generator(seed, "clusters").permutation(int(codes.max()) + 1)
    fits = np.cumsum(np.bincount(codes)[order]) <= most
    return np.flatnonzero(np.isin(codes, order[fits]))


def _adjusted_rand(times: np.ndarray, table: np.ndarray) -> np.ndarray:
    """(R,) Hubert, Arabie 1985, over pairs of scans, subjects counted so many times.

    :param times: (R, S) how often each subject comes: pairs within it count so often, pairs of two by the product.
    :param table: (S, C) scans of each subject in each cluster.
    """
    sizes = table.sum(axis=1)
    both = times @ (table * (table - 1) / 2).sum(axis=1)
    same_subject = times @ (sizes * (sizes - 1) / 2)
    drawn = times @ table
    same_cluster = both + ((drawn**2 - times**2 @ table**2) / 2).sum(axis=1)
    everything = same_subject + ((times @ sizes) ** 2 - times**2 @ sizes**2) / 2
    nothing = np.full(len(times), np.nan)
    expected = np.divide(same_subject * same_cluster, everything, out=nothing.copy(), where=everything > 0)
    best = (same_subject + same_cluster) / 2
    return np.asarray(np.divide(both - expected, best - expected, out=nothing, where=best - expected > 0))


def _histogram(within: np.ndarray, between: np.ndarray) -> Histogram:
    edges = np.linspace(0, 1.0001 * float(max(within.max(), between.max())), BINS + 1)
    groups = (("to the subject's own mean", within), ("between subjects' means", between))
    return Histogram(
        "Distances within and between subjects",
        Axis("distance"),
        edges,
        tuple(Bars(name, np.histogram(found, edges)[0] / len(found), len(found)) for name, found in groups),
    )
