"""A gallery that may not hold the person: who is found, and who is taken for somebody else."""

from __future__ import annotations

from typing import Literal

import numpy as np

from mlfp.errors import ParameterError
from mlfp.evaluation import intervals, roc
from mlfp.evaluation.ranking import rank
from mlfp.types.exhibit import Axis, Curve, Line
from mlfp.types.measured import Measured
from mlfp.types.trial import Trial

#: Where the curve is given.
GRID = np.geomspace(1e-3, 1.0, 31)


class OpenSet:
    """``dir_at_fpir_1e-2``: the share of queries that find their subject while few strangers find anybody.

    DIR, detection and identification rate: the nearest gallery scan is the query's subject's, and its similarity is not
    below a threshold. FPIR, false positive identification rate: the share of searches by people who are not in the
    gallery whose nearest scan is not below it. Each query is both: it searches the gallery as it is, and once more as
    if its subject had no scan there, which is exact and draws nothing. A query whose subject has none (lone) searches
    as a stranger only. Intervals resample subjects; the threshold is chosen anew in each resample. Curve ``dir``.

    :param fpir: rates; one at which fewer than 10 errors are to be expected is left out, and a note says so.
    """

    needs: Literal["ranking"] = "ranking"

    def __init__(self, fpir: tuple[float, ...] = (1e-1, 1e-2)) -> None:
        self.fpir = fpir

    def __call__(self, trial: Trial) -> Measured:
        """Search.

        :raises ParameterError: a rate that is none.
        """
        if not self.fpir or not all(0 < rate < 1 for rate in self.fpir):
            raise ParameterError(f"rates lie between 0 and 1, got fpir = {list(self.fpir)}", key=("fpir",))
        searches = _Searches(trial)
        rates, asked = np.array(self.fpir), len(trial.queries)
        enough = roc.supported(rates, asked)
        notes = [
            f"dir_at_fpir_{roc.rate_text(rate)} needs {roc.ERRORS / rate:,.0f} searches, and there are {asked:,}"
            for rate in rates[~enough]
        ]
        wanted = np.concatenate([rates, GRID])
        whole = searches.rates(np.ones(searches.subjects), wanted)
        drawn = intervals.draws(searches.subjects, seed=trial.seed)
        resampled = np.stack([searches.rates(times, wanted) for block in drawn for times in block])
        estimates = {
            f"dir_at_fpir_{roc.rate_text(rate)}": roc.bounded(float(whole[place]), resampled[:, place], searches.mated)
            for place, rate in enumerate(self.fpir)
            if enough[place]
        }
        there = roc.supported(GRID, asked)
        value, low, high = (
            np.where(there, part[len(rates) :], np.nan)
            for part in (whole, *np.nanquantile(resampled, [0.025, 0.975], axis=0))
        )
        line = Line("", GRID, value, low, high, searches.mated)
        axes = Axis("false positive identification rate", scale="log"), Axis("detection and identification rate")
        return Measured(estimates, exhibits={"dir": Curve("Open-set identification", *axes, (line,))}, notes=notes)


class _Searches:
    """Every query's search, with and without its subject in the gallery."""

    def __init__(self, trial: Trial) -> None:
        ranking = rank(trial, at_least=1 + int(_most(trial)))
        strangers = np.where(ranking.relevant | (ranking.neighbours < 0), -np.inf, ranking.scores)
        nearest = strangers.max(axis=1)
        names, codes = np.unique(trial.queries.subjects.astype(str), return_inverse=True)
        self.subjects, self.mated = len(names), int((~ranking.lone).sum())
        # Searches of strangers, nearest first; and of queries that find their subject, as distances.
        order = np.argsort(-nearest, kind="stable")
        self._stranger_scores, self._strangers = nearest[order], codes[order]
        # Thresholds lie between different similarities only.
        self._last = np.append(np.diff(self._stranger_scores) != 0, True)
        found = np.flatnonzero(ranking.first == 1)
        found = found[np.argsort(-ranking.first_scores[found], kind="stable")]
        self._found_scores, self._found = -ranking.first_scores[found], codes[found]
        self._asking = codes[~ranking.lone]

    def rates(self, times: np.ndarray, fpir: np.ndarray) -> np.ndarray:
        """(R,) DIR at each rate, each subject counted so many times; ``nan`` where nobody is searched for."""
        accepted = np.cumsum(times[self._strangers])
        asked = times[self._asking].sum()
        if asked == 0 or accepted[-1] == 0:
            return np.full(len(fpir), np.nan)
        shares, scores = accepted[self._last] / accepted[-1], self._stranger_scores[self._last]
        # The threshold lies just above the first similarity at which too many strangers would be accepted.
        place = np.searchsorted(shares, fpir + 1e-12, side="right")
        threshold = np.append(scores, -np.inf)[place]
        found = np.append(0.0, np.cumsum(times[self._found]))
        rates: np.ndarray = found[np.searchsorted(self._found_scores, -threshold, side="left")] / asked
        return rates


def _most(trial: Trial) -> int:
    """The most scans that any subject has in the gallery: among one more is a stranger."""
    return int(np.unique(trial.gallery.subjects.astype(str), return_counts=True)[1].max(initial=0))
