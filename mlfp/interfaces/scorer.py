"""Scorer: similarity without an embedding."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from torch import Tensor

from mlfp.types.scan_table import ScanTable


class Scorer(Protocol):
    """Describes scans once, then compares descriptions in blocks.

    One whose score of two scans is the same either way round may say so with an attribute ``symmetric`` that is true:
    then no pair of a set of scans is scored twice.

    One whose score of two scans depends on who else is in the gallery says so with an attribute ``relative`` that is
    true: then it is given all gallery scans that a query is compared with at once, and never a part of them.
    """

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


@runtime_checkable
class TableScorer(Protocol):
    """A scorer that sees what is known of scans, their files included, and not their prepared pixels.

    It has ``describe_table`` in place of ``describe``. It may read the files that column ``path`` names.
    """

    def describe_table(self, table: ScanTable) -> Tensor:
        """A table of B rows to ``(B, ...)``: all work that needs one scan alone."""
        ...

    def score(self, queries: Tensor, gallery: Tensor) -> Tensor:
        """(Q, ...) and (G, ...) descriptions to a (Q, G) float32 similarity; higher is more alike."""
        ...
