"""Tests of two methods that were measured on the same queries, and the correction for making many of them.

Each equals the function of scipy that does the same, where there is one; ``scipy.stats`` is not imported, for it takes
longer than all else that a finished comparison does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import special

from mlfp.seeds import numpy_generator

#: Subjects up to whose number every swap is tried: 2^13 are about as many as are drawn otherwise.
EXACT = 13
#: Bytes of drawn signs held at a time.
BUDGET = 1 << 25
#: A swap counts as far as what was seen when it misses it by no more than this share of the differences.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Discordant:
    """McNemar's test (1947), exact: the queries that one method alone got right, against a fair coin.

    :param only_first: queries that the first method alone got right.
    :param only_second: those that the second alone did.
    :param p: two-sided; it takes queries as independent, which those of one subject are not.
    """

    only_first: int
    only_second: int
    p: float


@dataclass(frozen=True)
class TTest:
    """Student's paired t-test over queries, as DeepBrainPrint reports it (section 4.1).

    :param t: the statistic; ``nan`` where all differences are equal.
    :param df: degrees of freedom: the queries less one.
    :param p: two-sided; it takes queries as independent, which those of one subject are not.
    """

    t: float
    df: int
    p: float


def permutation(differences: np.ndarray, *, seed: int, draws: int) -> np.ndarray:
    """(C,) two-sided p of sign-flip tests, which ask whether the two methods' values of each subject could be swapped.

    All values of a subject are swapped at once, for the scans of one are not independent. Up to :data:`EXACT` subjects
    that differ, every swap is tried; beyond, ``draws`` of them, and what was seen counts as one more (Phipson, Smyth
    2010), so that p is never 0.

    :param differences: (S, C) sum of a subject's differences, for C pairs of methods.
    """
    found = np.ones(differences.shape[1])
    counted = np.count_nonzero(differences, axis=0)
    for column in np.flatnonzero((counted > 0) & (counted <= EXACT)):
        values = differences[:, column]
        found[column] = _exact(values[values != 0])
    many = np.flatnonzero(counted > EXACT)
    if len(many):
        found[many] = _drawn(differences[:, many], seed=seed, draws=draws)
    return found


def least(differing: int, *, draws: int) -> float:
    """The smallest p that so many differing subjects can give: that of all pointing one way."""
    if differing <= EXACT:
        return min(1.0, 2.0 ** (1 - differing))
    return 1.0 / (draws + 1)


def _exact(values: np.ndarray) -> float:
    """Of all swaps the share that differ as much; the mirror image of one differs as much, so half are tried."""
    sums = np.abs(_signs(len(values)) @ values)
    return float(np.mean(sums >= abs(values.sum()) - ROUNDING * np.abs(values).sum()))


@lru_cache(maxsize=EXACT)
def _signs(count: int) -> np.ndarray:
    """(2^(count - 1), count) every choice of signs whose first is plus."""
    bits = np.arange(2 ** (count - 1))[:, None] >> np.arange(count)
    signs: np.ndarray = np.where(bits & 1, -1.0, 1.0)[:, ::-1]
    return signs


def _drawn(differences: np.ndarray, *, seed: int, draws: int) -> np.ndarray:
    subjects = len(differences)
    generator = numpy_generator(seed, "permutation", subjects)
    seen = np.abs(differences.sum(axis=0)) - ROUNDING * np.abs(differences).sum(axis=0)
    reached = np.zeros(differences.shape[1])
    rows = max(1, BUDGET // (8 * subjects))
    for start in range(0, draws, rows):
        signs = np.where(generator.random((min(rows, draws - start), subjects)) < 0.5, -1.0, 1.0)
        reached += np.sum(np.abs(signs @ differences) >= seen, axis=0)
    return (reached + 1) / (draws + 1)


def mcnemar(first: np.ndarray, second: np.ndarray) -> Discordant | None:
    """The exact test of two methods' successes; None where a value is neither 0 nor 1, as a mean over seeds may be.

    :param first: (U,) values of the one.
    :param second: (U,) of the other, for the same queries.
    """
    if not (np.isin(first, (0, 1)).all() and np.isin(second, (0, 1)).all()):
        return None
    only_first, only_second = int(np.sum(first > second)), int(np.sum(second > first))
    fewer, both = min(only_first, only_second), only_first + only_second
    return Discordant(only_first, only_second, min(1.0, 2 * float(special.bdtr(fewer, both, 0.5))))


def t_test(first: np.ndarray, second: np.ndarray) -> TTest:
    """The paired t-test over queries; see :func:`mcnemar` for what is given."""
    differences = first - second
    df = len(differences) - 1
    error = float(differences.std(ddof=1)) / math.sqrt(len(differences)) if df > 0 else 0.0
    if error == 0:
        return TTest(math.nan, df, math.nan)
    t = float(differences.mean()) / error
    return TTest(t, df, 2 * float(special.stdtr(df, -abs(t))))


def holm(p: np.ndarray) -> np.ndarray:
    """(T,) p-values after Holm (1979): the chance of any false alarm among the T tests stays below the level.

    The smallest is multiplied by T, the next by T - 1, ...; none becomes smaller than the one before it, nor more
    than 1.
    """
    order = np.argsort(p, kind="stable")
    raised = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(1.0, raised)
    return corrected
