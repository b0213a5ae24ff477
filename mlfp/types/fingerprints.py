"""Vectors beside the scans they belong to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlfp.types.scan_table import ScanTable


@dataclass(frozen=True)
class Fingerprints:
    """One vector a scan.

    :param table: N scans.
    :param vectors: (N, D) float32, in the order of the table, as the model gave them (not normalised).
    :param model: hash of the model that made them; vectors of different models must not be compared.
    :param distance: how they are compared: ``cosine``, ``l2`` or ``inner``.
    """

    table: ScanTable
    vectors: np.ndarray
    model: str
    distance: str = "cosine"

    def select(self, indices: np.ndarray) -> Fingerprints:
        """The fingerprints at these positions."""
        return Fingerprints(self.table.select(indices), self.vectors[indices], self.model, self.distance)
