"""A gallery that may not hold the person: who is found, and who is taken for somebody else."""

from __future__ import annotations

from typing import Literal

import numpy as np

from mlfp.errors import ParameterError
from mlfp.evaluation import intervals, roc
from mlfp.evaluation.ranking import rank
from mlfp.types.estimate import Estimate
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
    as a stranger only. Intervals and tests resample subjects; the threshold is chosen anew in each resample. Curve
    ``dir``.

    A threshold chosen on the very scans that it is tried on flatters. Where a comparison has a validation side with
    searches enough, ``dir_val_threshold_1e-2`` is the rate at the threshold that has this FPIR there, and
    ``fpir_val_threshold_1e-2`` what FPIR it then has here: far from the one asked for, thresholds do not carry over.
    The gallery of the validation side is another, and often smaller, which lowers thresholds.

    :param fpir: rates; one at which fewer than 10 errors are to be expected is left out, and a note says so.
    """

    needs: Literal["ranking"] = "ranking"

    def __init__(self, fpir: tuple[float, ...] = (1e-1, 1e-2)) -> None:
        self.fpir = fpir

    def check(self, trial: Trial) -> None:
        """See :class:`mlfp.interfaces.evaluator.CheckingEvaluator`."""
        if not self.fpir or not all(0 < rate < 1 for rate in self.fpir):
            raise ParameterError(f"rates lie between 0 and 1, got fpir = {list(self.fpir)}", key=("fpir",))

    def __call__(self, trial: Trial) -> Measured:
        """Search.

        :raises ParameterError: a rate that is none.
        """
        self.check(trial)
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
        of = roc.Drawn.of(trial, searches.names)
        estimates = {
            f"dir_at_fpir_{roc.rate_text(rate)}": roc.bounded(
                float(whole[place]), resampled[:, place], searches.mated, of
            )
            for place, rate in enumerate(self.fpir)
            if enough[place]
        }
        carried, more = self._carried(trial, searches, of)
        estimates, notes = {**estimates, **carried}, [*notes, *more]
        there = roc.supported(GRID, asked)
        value, low, high = (
            np.where(there, part[len(rates) :], np.nan)
            for part in (whole, *np.nanquantile(resampled, [0.025, 0.975], axis=0))
        )
        line = Line("", GRID, value, low, high, searches.mated)
        axes = Axis("false positive identification rate", scale="log"), Axis("detection and identification rate")
        return Measured(estimates, exhibits={"dir": Curve("Open-set identification", *axes, (line,))}, notes=notes)

    def _carried(self, trial: Trial, searches: _Searches, of: roc.Drawn) -> tuple[dict[str, Estimate], list[str]]:
        """What thresholds that were chosen on the validation side come to."""
        chosen_on = trial.scans.validation() if trial.scans is not None else None
        if chosen_on is None:
            return {}, []
        rates = np.array(self.fpir)
        asked = len(chosen_on.queries)
        enough = roc.supported(rates, asked)
        notes = [
            f"dir_val_threshold_{roc.rate_text(rate)} needs {roc.ERRORS / rate:,.0f} searches on the validation side, "
            f"and there are {asked:,}"
            for rate in rates[~enough]
        ]
        if not enough.any():
            return {}, notes
        there = _Searches(chosen_on)
        thresholds = there.thresholds(np.ones(there.subjects), rates[enough])
        once, estimates = np.ones(searches.subjects), {}
        for name, read, n in (
            ("dir", searches.identified, searches.mated),
            ("fpir", searches.alarmed, len(trial.queries)),
        ):
            whole = read(once, thresholds)
            drawn = intervals.draws(searches.subjects, seed=trial.seed)
            resampled = np.stack([read(times, thresholds) for block in drawn for times in block])
            for place, rate in enumerate(rates[enough]):
                title = f"{name}_val_threshold_{roc.rate_text(rate)}"
                estimates[title] = roc.bounded(float(whole[place]), resampled[:, place], n, of)
        return estimates, notes


class _Searches:
    """Every query's search, with and without its subject in the gallery.

    :ivar names: (S,) ids of the subjects that search.
    :ivar mated: searches of subjects who are in the gallery.
    """

    def __init__(self, trial: Trial) -> None:
        ranking = rank(trial, at_least=1 + int(_most(trial)))
        strangers = np.where(ranking.relevant | (ranking.neighbours < 0), -np.inf, ranking.scores)
        nearest = strangers.max(axis=1)
        self.names, codes = np.unique(trial.queries.subjects.astype(str), return_inverse=True)
        self.subjects, self.mated = len(self.names), int((~ranking.lone).sum())
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
        if times[self._strangers].sum() == 0:
            return np.full(len(fpir), np.nan)
        return self.identified(times, self.thresholds(times, fpir))

    def thresholds(self, times: np.ndarray, fpir: np.ndarray) -> np.ndarray:
        """(R,) the similarity that must be exceeded, so that no larger share of strangers' searches than each does.

        It is the first similarity at which too many would be accepted.
        """
        accepted = np.cumsum(times[self._strangers])
        shares, scores = accepted[self._last] / accepted[-1], self._stranger_scores[self._last]
        found: np.ndarray = np.append(scores, -np.inf)[np.searchsorted(shares, fpir + 1e-12, side="right")]
        return found

    def identified(self, times: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
        """(R,) DIR above each threshold; ``nan`` where nobody is searched for."""
        asked = times[self._asking].sum()
        if asked == 0:
            return np.full(len(thresholds), np.nan)
        found = np.append(0.0, np.cumsum(times[self._found]))
        rates: np.ndarray = found[np.searchsorted(self._found_scores, -thresholds, side="left")] / asked
        return rates

    def alarmed(self, times: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
        """(R,) FPIR above each threshold; ``nan`` where no stranger searches."""
        raised = np.append(0.0, np.cumsum(times[self._strangers]))
        if raised[-1] == 0:
            return np.full(len(thresholds), np.nan)
        rates: np.ndarray = raised[np.searchsorted(-self._stranger_scores, -thresholds, side="left")] / raised[-1]
        return rates


def _most(trial: Trial) -> int:
    """The most scans that any subject has in the gallery: among one more is a stranger."""
    return int(np.unique(trial.gallery.subjects.astype(str), return_counts=True)[1].max(initial=0))
