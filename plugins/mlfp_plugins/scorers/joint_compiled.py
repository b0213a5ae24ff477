"""Joint entropies of one binned image with many, compiled: one pass over the pixels of a pair.

Imports numba, so it is imported when the first pair is scored.
"""

from __future__ import annotations

import numpy as np

from mlfp_plugins.scorers.ssim_compiled import compiled

#: Histograms that a pair's pixels are counted into by turns: a count need not wait for the one before it, which is
#: often of the same bin.
TURNS = 4


@compiled
def joint_entropies(query: np.ndarray, gallery: np.ndarray, bins: int, entropies: np.ndarray) -> None:
    """Joint entropies in nats of a query with a gallery, into (G,).

    :param query: (P,) uint8 bins.
    :param gallery: (G, P) uint8 bins.
    """
    size = len(query)
    counts = np.empty((TURNS, bins * bins), np.int32)
    rows = query.astype(np.int32) * bins
    whole = size - size % TURNS
    for place in range(len(gallery)):
        other = gallery[place]
        counts[:] = 0
        for pixel in range(0, whole, TURNS):
            for turn in range(TURNS):
                counts[turn, rows[pixel + turn] + other[pixel + turn]] += 1
        for pixel in range(whole, size):
            counts[0, rows[pixel] + other[pixel]] += 1
        total = 0.0
        for cell in range(bins * bins):
            count = counts[0, cell] + counts[1, cell] + counts[2, cell] + counts[3, cell]
            if count > 0:
                total += count * np.log(np.float64(count))
        entropies[place] = np.log(np.float64(size)) - total / size
