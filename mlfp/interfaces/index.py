"""Index: nearest neighbours among many fingerprints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np


class Index(Protocol):
    """Vectors by id, a cache that can always be rebuilt from the fingerprints.

    The metric (``cosine``, ``inner``, ``l2``) is a parameter of its constructor.
    """

    def add(self, ids: Sequence[str], vectors: np.ndarray) -> None:
        """Add (N, D) vectors under ids that are not there yet."""
        ...

    def search(
        self, vectors: np.ndarray, k: int, where: Callable[[str], bool] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """(Q, D) to (Q, k) ids and (Q, k) similarities, best first; of those for which ``where`` holds.

        Where fewer than k are found, the rest is ``""`` and minus infinity.
        """
        ...

    def remove(self, ids: Sequence[str]) -> None:
        """Forget these ids."""
        ...

    def save(self, path: Path) -> None:
        """Write it."""
        ...

    def load(self, path: Path) -> None:
        """Read what :meth:`save` wrote."""
        ...
