"""Scorer: similarity without an embedding."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from torch import Tensor

from mlfp.types.scan_table import ScanTable


class Scorer(Protocol):
    """Describes scans once, then compares descriptions in blocks."""

    def describe(self, images: Tensor) -> Tensor:
        """``(B, C, *spatial)`` float32 to ``(B, ...)``: all work that needs one scan alone."""
        ...

    def score(self, queries: Tensor, gallery: Tensor) -> Tensor:
        """(Q, ...) and (G, ...) descriptions to a (Q, G) float32 similarity; higher is more alike."""
        ...


@runtime_checkable
class FittedScorer(Scorer, Protocol):
    """A scorer that learns from the training scans first (PCA, NCA, ...)."""

    def fit(self, images: Tensor, table: ScanTable) -> None:
        """Learn from ``(N, C, *spatial)`` training images and their table."""
        ...
