"""Neighbourhood components analysis of pixels."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neighbors import NeighborhoodComponentsAnalysis

from mlfp_plugins.scorers.learned import LearnedProjection


class NCA(LearnedProjection):
    """Neighbourhood components analysis (Goldberger et al. 2004) on principal components of the pixels.

    It learns the linear map under which a training scan's neighbours, weighed by ``exp(-squared distance)``, most
    probably show its own subject. DeepBrainPrint compares with it (Puglisi et al. 2023, table 2) without saying what it
    is given; here that is PCA of the pixels, as the map of all pixels would have millions of entries. scikit-learn's
    implementation, begun at the principal components.

    :param size: pixels along the longest axis; larger images are averaged down. None takes them as they are.
    :param pca: principal components kept, at most one less than there are training scans.
    :param whiten: whether each component begins with the same variance. Without it the few strongest (size of the
        head, brightness) hide the others, and there is less to learn from: on the built-in phantom the hit rate falls
        from 0.83 to 0.67.
    :param components: dimensions after the map; None keeps those of the PCA.
    :param max_iter: of L-BFGS; 50 is scikit-learn's.
    :param scans: training scans at most, whole subjects drawn at random: time and memory grow with their square.
    :param augmentations: what training scans go through, as in ``base.augmentations``; DeepBrainPrint's NCA learns from
        scans through its own augmentations.
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
        max_iter: int = 50,
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
        self.max_iter = max_iter
        self.scans = scans
        self.augmentations = augmentations
        self.copies = copies
        self.seed = seed
        self.spacing = spacing

    def learn(self, points: np.ndarray, labels: np.ndarray, start: np.ndarray) -> np.ndarray:
        """(N, P) float64 and (N,) int64 to the (D, P) map, by scikit-learn."""
        nca = NeighborhoodComponentsAnalysis(init=start, max_iter=self.max_iter, random_state=self._number())
        with warnings.catch_warnings():
            # Stopping early is what max_iter asks for.
            warnings.simplefilter("ignore", ConvergenceWarning)
            # Many subjects, few scans of each: that is what fingerprints are of.
            warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
            nca.fit(points, labels)
        learned: np.ndarray = nca.components_
        return learned
