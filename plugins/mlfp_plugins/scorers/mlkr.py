"""Metric learning for kernel regression, on pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from scipy.optimize import minimize

from mlfp_plugins.scorers.learned import LearnedProjection
from mlfp_plugins.scorers.mlkr_loss import loss_and_gradient


class MLKR(LearnedProjection):
    """Metric learning for kernel regression (Weinberger & Tesauro 2007) on principal components of the pixels.

    It learns the linear map under which a training scan's target is best foretold by its neighbours' targets, weighed
    by ``exp(-squared distance)``: their equations 2 to 6, minimised by L-BFGS with the analytic gradient from the
    principal components on, as they begin. It is made for numbers to be foretold; DeepBrainPrint uses it with subjects
    (Puglisi et al. 2023, table 2) and does not say how these became numbers. Hence ``targets``.

    :param size: pixels along the longest axis; larger images are averaged down. None takes them as they are.
    :param pca: principal components kept, at most one less than there are training scans.
    :param whiten: whether each component begins with the same variance; see ``nca``.
    :param components: dimensions after the map; None keeps those of the PCA.
    :param targets: ``one-hot``: each subject is a direction of its own, so that all subjects are equally different;
        scans without a second one of their subject are neighbours only, as nothing could foretell them. ``index``: the
        number of the subject in sorted order, which is what the library metric-learn makes of labels: then subjects 1
        and 2 count as alike, and 1 and 99 do not.
    :param max_iter: of L-BFGS.
    :param scans: training scans at most, whole subjects drawn at random: time and memory grow with their square.
    :param augmentations: what training scans go through, as in ``base.augmentations``.
    :param copies: augmented versions of each training scan.
    :param seed: of these draws and of the PCA.
    :param spacing: mm along each axis, for augmentations in mm; that of the comparison.
    """

    def __init__(
        self,
        size: int | None = None,
        pca: int = 64,
        whiten: bool = True,
        components: int | None = None,
        targets: Literal["one-hot", "index"] = "one-hot",
        max_iter: int = 100,
        scans: int = 3000,
        augmentations: Sequence[Mapping[str, Any] | str] = (),
        copies: int = 4,
        seed: int = 0,
        spacing: Sequence[float] | None = None,
    ) -> None:
        self.size = size
        self.pca = pca
        self.whiten = whiten
        self.components = components
        self.targets = targets
        self.max_iter = max_iter
        self.scans = scans
        self.augmentations = augmentations
        self.copies = copies
        self.seed = seed
        self.spacing = spacing

    def learn(self, points: np.ndarray, labels: np.ndarray, start: np.ndarray) -> np.ndarray:
        """(N, P) float64 and (N,) int64 to the (D, P) map."""
        wanted, counted = self.wanted(labels)

        def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
            value, gradient = loss_and_gradient(flat.reshape(start.shape), points, wanted, counted)
            return value, gradient.ravel()

        found = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": self.max_iter})
        learned: np.ndarray = found.x.reshape(start.shape)
        return learned

    def wanted(self, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(N,) int64 to the (N, T) targets, and (N,) whether a scan's error counts."""
        _, subjects, counts = np.unique(labels, return_inverse=True, return_counts=True)
        if self.targets == "one-hot":
            return np.eye(len(counts))[subjects], counts[subjects] > 1
        # To unit variance, so that L-BFGS stops at the same share of the loss whatever the number of subjects.
        return (subjects / max(float(subjects.std()), 1e-12))[:, None], np.ones(len(labels), dtype=bool)
