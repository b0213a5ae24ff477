"""pytorch-metric-learning's own figures, for whoever compares with numbers that it gave."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator as Calculator
from pytorch_metric_learning.utils.inference import CustomKNN

from mlfp.errors import ParameterError, UsageError
from mlfp.evaluation import intervals
from mlfp.libraries.pml import distance
from mlfp.types.estimate import Estimate, Units
from mlfp.types.trial import Trial
from mlfp.wording import counted

Figure = Literal[
    "precision_at_1",
    "r_precision",
    "mean_average_precision_at_r",
    "mean_average_precision",
]


class AccuracyCalculator:
    """The figures of PML's ``AccuracyCalculator``, with intervals over subjects.

    ``retrieval`` has the same numbers where the names agree (``mean_average_precision_at_r`` is its ``map_at_r``), says
    which queries are lone, and takes ``ignore``. AMI and NMI are left out: they tell of a k-means clustering drawn from
    global randomness, not of retrieval; so is the mean reciprocal rank, which forgets queries that found nothing.

    :param include: its names of what to calculate.
    :param k: neighbours looked at: ``max_bin_count`` (its word for the largest number of mated scans, which the figures
        at R need), a number, or None for the whole gallery.
    """

    needs: Literal["vectors"] = "vectors"

    def __init__(
        self,
        *,
        include: tuple[Figure, ...] = ("precision_at_1", "r_precision", "mean_average_precision_at_r"),
        k: int | Literal["max_bin_count"] | None = "max_bin_count",
    ) -> None:
        self.include = include
        self.k = k

    def __call__(self, trial: Trial) -> dict[str, Estimate]:
        """Calculate.

        :raises ParameterError: nothing to include.
        :raises UsageError: the evaluation asks for what the calculator cannot do.
        """
        if not self.include:
            raise ParameterError("nothing to calculate: 'include' is empty", key=("include",))
        queries, gallery = trial.query_vectors, trial.gallery_vectors
        assert queries is not None, "only methods that embed are measured"
        assert gallery is not None, "only methods that embed are measured"
        own = _gallery_is_queries(trial, queries, gallery)
        subjects, labels = np.unique(
            np.concatenate([trial.queries.subjects, trial.gallery.subjects]).astype(str), return_inverse=True
        )
        asking, answering = labels[: len(trial.queries)], labels[len(trial.queries) :]
        figures = self._calculator(trial.distance).get_accuracy(
            torch.from_numpy(queries),
            torch.from_numpy(asking),
            torch.from_numpy(gallery),
            torch.from_numpy(answering),
            ref_includes_query=own,
        )
        mated = np.bincount(answering, minlength=len(subjects)) > (1 if own else 0)
        counts = np.bincount(asking, minlength=len(subjects)) * mated
        scored = np.flatnonzero(counts)
        return {name: self._estimate(trial, subjects[scored], counts[scored], figures[name]) for name in self.include}

    def _calculator(self, name: str) -> Calculator:
        return Calculator(
            include=self.include,
            k=self.k,
            return_per_class=True,
            knn_func=CustomKNN(distance(name), batch_size=256),
            kmeans_func=lambda *_: None,  # its own needs faiss, and nothing here clusters
            device=torch.device("cpu"),
        )

    def _estimate(self, trial: Trial, subjects: np.ndarray, counts: np.ndarray, values: list[float]) -> Estimate:
        """A subject's mean counts as often as it asks: together, the mean over queries."""
        measured = np.asarray(values if len(subjects) else [], dtype=np.float64)
        units = Units(subjects, subjects, measured, counts.astype(np.float64))
        return intervals.estimate(units, seed=trial.seed, n=int(counts.sum()))


def _gallery_is_queries(trial: Trial, queries: np.ndarray, gallery: np.ndarray) -> bool:
    """Whether each query must be kept from finding itself.

    :raises UsageError: for some of them only, or by a rule the calculator does not know.
    """
    if trial.ignore:
        raise UsageError("accuracy-calculator knows no 'ignore'", hints=["Use retrieval, which does."])
    shared = set(trial.queries.scans) & set(trial.gallery.scans)
    if not shared:
        return False
    same_scans = np.array_equal(trial.queries.scans, trial.gallery.scans)
    if same_scans and np.array_equal(queries, gallery):
        return True
    why = "their queries were moved" if same_scans else "beside others that are one alone"
    raise UsageError(
        f"{counted(len(shared), 'scan is', 'scans are')} both query and gallery, and {why}: "
        "accuracy-calculator takes one set or two apart",
        hints=["Use retrieval, which never lets a scan find itself."],
    )
