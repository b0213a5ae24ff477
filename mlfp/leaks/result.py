"""What a search for leaks found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from mlfp.leaks.calibration import Calibration
from mlfp.leaks.candidates import Search
from mlfp.leaks.clusters import MOST, Clusters
from mlfp.leaks.conflicts import Conflict
from mlfp.leaks.material import Material
from mlfp.leaks.repair import PRIORITY, Policy, Repaired
from mlfp.leaks.verify import Verified

#: What a pair is, the surest first. ``same-id``: one id on two sides, as the table itself says. ``different-people``:
#: one id on scans that do not look alike.
KINDS = (
    "exact-file",
    "identical-voxels",
    "near-duplicate",
    "same-session",
    "same-subject",
    "same-id",
    "different-people",
)
#: Kinds that say that two scans under different ids are one person's.
FOUND = KINDS[:5]


@dataclass(frozen=True)
class Settings:
    """How to look.

    :param p_same: probability from which a pair is reported.
    :param fmr: in its place, a rate of false matches; the calibration has to support it.
    :param verify: whether candidates are laid over each other: ``auto`` does the likely ones if the model is calibrated
        for it, up to ``most_verified``; ``always`` does all.
    :param k: neighbours of each scan that are candidates.
    :param shared_ids: one subject id means one person in all data sets.
    :param policy: what becomes of scans on the wrong side of a split.
    :param priority: sides in the order in which they claim a cluster.
    :param most_people: subject ids that one cluster may join.
    """

    p_same: float = 0.5
    fmr: float | None = None
    verify: Literal["auto", "always", "never"] = "auto"
    k: int = 10
    index: str = "auto"
    shared_ids: bool = False
    policy: Policy = "move"
    priority: Sequence[str] = PRIORITY
    most_people: int = MOST
    most_verified: int = 1000


@dataclass(frozen=True, eq=False)
class Leaks:
    """What was found.

    :param pairs: one row a pair, the surest first: see :data:`mlfp.leaks.report.COLUMNS`.
    :param verified: by positions of pairs, what laying them over each other showed.
    :param scores: candidates' scores and probabilities, for a histogram.
    :param places: (len(pairs), 2) positions of the pairs' scans in the material.
    :param summary: counts, thresholds and what was expected.
    """

    material: Material
    settings: Settings
    calibration: Calibration
    search: Search
    pairs: pd.DataFrame
    places: np.ndarray
    clusters: Clusters
    conflicts: list[Conflict]
    repaired: Repaired
    scores: tuple[np.ndarray, np.ndarray]
    verified: dict[tuple[int, int], Verified] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
