"""Which of a subject's scans lie far enough apart in time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def spaced(days: Sequence[int], gap: int) -> list[int]:
    """Strict: positions of scans such that any two lie at least ``gap`` days apart, the first kept, each next greedily.

    :param days: when each was taken, in order.
    """
    kept: list[int] = []
    for place, day in enumerate(days):
        if not kept or day - days[kept[-1]] >= gap:
            kept.append(place)
    return kept


def binned(days: Sequence[int], gap: int) -> list[int]:
    """As DeepBrainPrint's released code: bins of ``gap`` days from the first scan on, the first scan of each.

    Two of them may lie a day apart, at either side of a border. A subject whose scans all lie in one bin has none.

    :param days: when each was taken, in order.
    """
    if not days or days[-1] - days[0] < gap:
        return []
    bins = (np.asarray(days) - days[0]) // gap
    return [int(place) for place in np.unique(bins, return_index=True)[1]]
