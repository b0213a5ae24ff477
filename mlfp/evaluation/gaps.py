"""The time between two scans, from their dates or from the ages of the subject."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mlfp.types.scan_table import ScanTable
from mlfp.types.trial import MateRule

#: Days in a year.
YEAR = 365.25
#: Columns of ages in years.
AGES = ("age_years", "age")


@dataclass(frozen=True)
class Gaps:
    """When scans were made.

    :param queries: (Q,) years, from any beginning; ``nan`` where nothing is known.
    :param gallery: (G,) years.
    """

    queries: np.ndarray
    gallery: np.ndarray

    def between(self, low: float, high: float) -> MateRule:
        """Which pairs were made at least ``low`` and less than ``high`` years apart."""

        def rule(queries: np.ndarray, gallery: np.ndarray) -> np.ndarray:
            # Ages are told to a tenth of a year: what is a year apart must not fall below it by rounding.
            apart = np.round(np.abs(self.queries[queries] - self.gallery[gallery]), 6)
            within: np.ndarray = (apart >= low) & (apart < high)
            return within

        return rule


def gaps(queries: ScanTable, gallery: ScanTable) -> Gaps | None:
    """From ``date`` where some scan has one, else from ``age_years`` or ``age``; None where nothing tells."""
    for name, read in (("date", _dates), *((name, _numbers) for name in AGES)):
        if name in queries.columns and name in gallery.columns:
            found = read(queries.column(name)), read(gallery.column(name))
            if np.isfinite(found[0]).any() and np.isfinite(found[1]).any():
                return Gaps(*found)
    return None


def _dates(column: np.ndarray) -> np.ndarray:
    days = pd.to_datetime(pd.Series(column), errors="coerce", format="mixed")
    years: np.ndarray = ((days - pd.Timestamp("1900-01-01")) / pd.Timedelta(days=YEAR)).to_numpy(dtype=np.float64)
    return years


def _numbers(column: np.ndarray) -> np.ndarray:
    return pd.to_numeric(pd.Series(column), errors="coerce").to_numpy(dtype=np.float64)
