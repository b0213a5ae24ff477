"""What scorers share that learn a linear map of the pixels from the training scans: all but the learning itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from sklearn.decomposition import PCA
from torch import Tensor

from mlfp.errors import MlfpError, ParameterError, UsageError
from mlfp.seeds import derive, numpy_generator
from mlfp.training.augment import AugmentationChain
from mlfp.types.scan_table import ScanTable
from mlfp.types.spec import Spec
from mlfp_plugins.scorers.shrink import shrink

#: Length of a typical training scan when learning begins, so that squared distances between scans are 8 on average.
#: NCA and MLKR both weigh neighbours by exp(-squared distance): far below 1 all would count alike, far above only the
#: nearest would, and neither tells which way to go.
START = 2.0
#: Images augmented at a time.
BLOCK = 64


class LearnedProjection(ABC):
    """Pixels to principal components to a learned linear map; scans compare by Euclidean distance after it.

    The parameters are those of :class:`mlfp_plugins.scorers.nca.NCA`. A subclass has :meth:`learn`.
    """

    symmetric = True
    size: int | None
    pca: int
    whiten: bool
    components: int | None
    max_iter: int
    scans: int
    augmentations: Sequence[Mapping[str, Any] | str]
    copies: int
    seed: int
    spacing: Sequence[float] | None

    _mean: Tensor
    _map: Tensor | None = None

    @abstractmethod
    def learn(self, points: np.ndarray, labels: np.ndarray, start: np.ndarray) -> np.ndarray:
        """(N, P) float64 and (N,) int64 to the (D, P) map.

        :param start: (D, P) the map to begin with: the first D principal components.
        """

    def fit(self, images: Tensor, table: ScanTable) -> None:
        """Learn from ``(N, C, *spatial)`` and their subjects.

        :raises ParameterError: a parameter is below 1.
        :raises UsageError: no subject has two scans.
        """
        self._check()
        pixels, labels = self._material(images, table.labels())
        pca = PCA(min(self.pca, len(pixels) - 1, pixels.shape[1]), random_state=self._number()).fit(pixels)
        basis = self._basis(np.sqrt(pca.explained_variance_), pca.components_)
        points = (pixels - pca.mean_).astype(np.float64) @ basis.T
        dims = min(self.components or len(basis), len(basis))
        self._mean = torch.from_numpy(pca.mean_).double()
        self._map = torch.from_numpy(self.learn(points, labels, np.eye(dims, len(basis))) @ basis)

    def describe(self, images: Tensor) -> Tensor:
        """``(B, C, *spatial)`` to (B, D).

        :raises MlfpError: nothing was learnt yet.
        """
        if self._map is None:
            raise MlfpError(f"{type(self).__name__} describes scans only after fit")
        pixels = shrink(images, self.size).flatten(1).double()
        described: Tensor = ((pixels - self._mean) @ self._map.T).float()
        return described

    def score(self, queries: Tensor, gallery: Tensor) -> Tensor:
        """(Q, D) and (G, D) to (Q, G): the distance, negative."""
        # In float64, and as a sum of squared differences: the product form loses the distance of near duplicates.
        return -torch.cdist(queries.double(), gallery.double(), compute_mode="donot_use_mm_for_euclid_dist").float()

    def _basis(self, spread: np.ndarray, components: np.ndarray) -> np.ndarray:
        """(P, pixels) float64: components brought to the scale that learning begins with.

        :param spread: (P,) standard deviations along the components; those that rounding alone has made are dropped.
        """
        kept = spread > 1e-4 * spread.max(initial=0)
        spread, components = spread[kept].astype(np.float64), components[kept].astype(np.float64)
        scale = spread * np.sqrt(len(spread)) if self.whiten else np.full_like(spread, np.linalg.norm(spread))
        basis: np.ndarray = components * (START / scale)[:, None]
        return basis

    def _check(self) -> None:
        for name in ("size", "pca", "components", "max_iter", "scans", "copies"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ParameterError(f"{name} should be 1 or more, got {value}", key=(name,))

    def _material(self, images: Tensor, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(N, pixels) float32 and (N,) labels of what is learnt from: as many scans as wanted, and their copies."""
        if np.bincount(labels).max(initial=0) < 2:
            raise UsageError(
                f"{type(self).__name__.lower()} learns from subjects with two training scans or more, and no one has",
                hints=["Give the training side more of the subjects, or leave this method out of compare_with."],
            )
        chosen = self._chosen(labels)
        kept = images if len(chosen) == len(images) else images[torch.from_numpy(chosen)]
        parts = [kept] if not self.augmentations else self._augmented(kept)
        pixels = torch.cat([shrink(part, self.size).flatten(1) for part in parts])
        return pixels.numpy(), np.tile(labels[chosen], len(pixels) // len(chosen))

    def _chosen(self, labels: np.ndarray) -> np.ndarray:
        """Positions of at most ``scans`` scans, by whole subjects drawn at random, those with several scans first."""
        if len(labels) <= self.scans:
            return np.arange(len(labels))
        counts = np.bincount(labels)
        order = numpy_generator(self.seed, "learned-projection", "subjects").permutation(len(counts))
        order = order[np.argsort(counts[order] < 2, kind="stable")]
        wanted = order[np.cumsum(counts[order]) <= self.scans]
        return np.flatnonzero(np.isin(labels, wanted if len(wanted) else order[:1]))

    def _augmented(self, images: Tensor) -> list[Tensor]:
        """The images in ``copies`` versions, each augmented with its own draws."""
        chain = AugmentationChain.build(
            [Spec.parse(item) for item in self.augmentations],
            spatial_dims=images.ndim - 2,
            in_channels=images.shape[1],
            spacing=self.spacing or (1.0,) * (images.ndim - 2),
        )
        made = []
        for copy in range(self.copies):
            for start in range(0, len(images), BLOCK):
                block = images[start : start + BLOCK]
                keys = [(self.seed, "learned-projection", copy, start + row) for row in range(len(block))]
                made.append(chain(block, keys=keys, subject_keys=keys))
        return made

    def _number(self) -> int:
        """A seed for scikit-learn, which takes 32 bits."""
        return derive(self.seed, "learned-projection") % 2**32
