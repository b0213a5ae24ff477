"""Whether two scans are of one person: error rates over pairs."""

from __future__ import annotations

from typing import Literal

import numpy as np

from mlfp.errors import ParameterError
from mlfp.evaluation import roc
from mlfp.evaluation.pairs import MOST, Pairs, matching, pairs, subject_codes
from mlfp.types.estimate import Estimate
from mlfp.types.exhibit import Axis, Bars, Curve, Histogram, Line
from mlfp.types.measured import Measured
from mlfp.types.trial import Trial

#: Where the DET curve is given.
GRID = np.concatenate([np.geomspace(1e-4, 1e-1, 25)[:-1], np.linspace(0.1, 1.0, 19)])
#: Bins of the histogram of similarities.
BINS = 60


class Verification:
    """``roc_auc``, ``eer`` and ``tar_at_fmr_1e-3``: whether pairs of one person's scans are told from other pairs.

    ``tar_at_fmr_r`` is the share of mated pairs that a threshold accepts which takes at most a share r of the pairs of
    different subjects for one. A rate at which fewer than 10 errors are to be expected among them cannot be measured:
    it is left out, and a note says how many pairs it needs. Where the scan table has columns of ``match``, the same
    stands with ``_matched`` behind it for pairs of different subjects who agree in all of them (impostors of the same
    sex and age are harder). Intervals and tests resample subjects on both sides of pairs. Curve ``det``: FNMR over FMR.

    :param fmr: false match rates.
    :param match: columns in which impostors are matched, those of them that are there.
    :param within: how far apart matched impostors may be in a column of numbers, in its units.
    :param most: pairs of different subjects that are looked at; where there are more, so many are drawn.
    """

    needs: Literal["scores"] = "scores"

    def __init__(
        self,
        fmr: tuple[float, ...] = (1e-1, 1e-2, 1e-3, 1e-4),
        match: tuple[str, ...] = ("sex", "age", "age_years"),
        within: float = 5.0,
        most: int = MOST,
    ) -> None:
        self.fmr = fmr
        self.match = match
        self.within = within
        self.most = most

    def check(self, trial: Trial) -> None:
        """See :class:`mlfp.interfaces.evaluator.CheckingEvaluator`."""
        if not self.fmr or not all(0 < rate < 1 for rate in self.fmr):
            raise ParameterError(f"rates lie between 0 and 1, got fmr = {list(self.fmr)}", key=("fmr",))

    def __call__(self, trial: Trial) -> Measured:
        """Compare pairs.

        :raises ParameterError: a rate that is none.
        :raises UsageError: there are no pairs.
        """
        self.check(trial)
        mated, others = pairs(trial, most=self.most)
        estimates, line, notes = self._rates(trial, mated, others, "all", "")
        lines = [line]
        rules = matching(trial.queries, trial.gallery, self.match, self.within)
        if rules:
            agree = np.all([rule(others.queries, others.gallery) for _, rule in rules], axis=0)
            named = " and ".join(name for name, _ in rules)
            if agree.any():
                found, line, more = self._rates(trial, mated, others.where(agree), f"same {named}", "_matched")
                estimates, lines, notes = {**estimates, **found}, [*lines, line], [*notes, *more]
            else:
                notes.append(f"no two subjects agree in {named}, so no impostors are matched")
        axes = Axis("false match rate", scale="probit"), Axis("false non-match rate", scale="probit")
        return Measured(
            estimates,
            exhibits={"det": Curve("Detection error tradeoff", *axes, tuple(lines)), "scores": _scores(mated, others)},
            notes=notes,
        )

    def _rates(
        self, trial: Trial, mated: Pairs, others: Pairs, name: str, suffix: str
    ) -> tuple[dict[str, Estimate], Line, list[str]]:
        rates = np.array(self.fmr)
        enough = roc.supported(rates, others.total)
        notes = [
            f"tar_at_fmr_{roc.rate_text(rate)}{suffix} needs {roc.ERRORS / rate:,.0f} pairs of different subjects, and "
            f"there are {others.total:,}"
            for rate in rates[~enough]
        ]
        queries, gallery, names_of = subject_codes(trial)
        whole = roc.roc(mated.scores, others.scores)
        grid = np.where(roc.supported(GRID, others.total), GRID, np.nan)
        resamples = roc.Resampled(mated, others, queries, gallery, seed=trial.seed)
        of = roc.Drawn.of(trial, names_of[resamples.subjects])
        resampled = resamples.values(
            lambda curve: np.concatenate([[curve.auc(), curve.eer()], curve.tar_at(rates), curve.tar_at(GRID)])
        )
        values = [whole.auc(), whole.eer(), *whole.tar_at(rates)]
        names = ["roc_auc", "eer", *(f"tar_at_fmr_{roc.rate_text(rate)}" for rate in self.fmr)]
        kept = [True, True, *enough]
        estimates = {
            f"{title}{suffix}": roc.bounded(float(value), resampled[:, place], len(mated), of)
            for place, (title, value) in enumerate(zip(names, values, strict=True))
            if kept[place]
        }
        return estimates, _det(name, whole, grid, resampled[:, len(names) :], len(others)), notes


def _det(name: str, whole: roc.Roc, grid: np.ndarray, resampled: np.ndarray, n: int) -> Line:
    there = np.isfinite(grid)
    value = np.where(there, 1 - whole.tar_at(GRID), np.nan)
    high, low = 1 - np.nanquantile(resampled, [0.025, 0.975], axis=0)
    return Line(name, GRID, value, np.where(there, low, np.nan), np.where(there, high, np.nan), n)


def _scores(mated: Pairs, others: Pairs) -> Histogram:
    everything = np.concatenate([mated.scores, others.scores])
    edges = np.linspace(float(everything.min()), float(everything.max()) + 1e-6, BINS + 1)
    groups = (("same subject", mated), ("other subjects", others))
    return Histogram(
        "Similarity within and between subjects",
        Axis("similarity"),
        edges,
        tuple(Bars(name, np.histogram(found.scores, edges)[0] / len(found), len(found)) for name, found in groups),
    )
