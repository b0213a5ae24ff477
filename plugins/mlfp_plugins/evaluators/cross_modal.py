"""Every kind of scan asks among every kind: which contrast finds which."""

from __future__ import annotations

from typing import Literal

import numpy as np

from mlfp.errors import ParameterError
from mlfp.evaluation import intervals, metrics
from mlfp.evaluation.measure import selected
from mlfp.evaluation.ranking import rank
from mlfp.types.estimate import Estimate, Units
from mlfp.types.exhibit import Axis, Matrix
from mlfp.types.measured import Measured
from mlfp.types.trial import Trial

Metric = Literal["hit_at_1", "map_at_r", "mrr"]
_METRICS = {"hit_at_1": metrics.precision_at_1, "map_at_r": metrics.map_at_r, "mrr": metrics.reciprocal_rank}


class CrossModal:
    """A matrix of query modality and gallery modality: ``hit_at_1[T1>FLAIR]``, with T1 asking among FLAIR.

    Under its own name each metric is the mean over all queries in all cells off the diagonal; ``hit_at_1_within`` is
    that of the diagonal, where queries ask among scans of their own kind, which needs further sessions. A cell without
    anybody to find is left out. Matrix ``hit_at_1``.

    :param column: of the scan table: ``modality``, or ``view``, ``site``, ... whatever there are kinds of.
    :param metrics: what is given in each cell.
    """

    needs: Literal["ranking"] = "ranking"

    def __init__(self, column: str = "modality", metrics: tuple[Metric, ...] = ("hit_at_1", "map_at_r")) -> None:
        self.column = column
        self.metrics = metrics

    def check(self, trial: Trial) -> None:
        """See :class:`mlfp.interfaces.evaluator.CheckingEvaluator`."""
        for table in (trial.queries, trial.gallery):
            try:
                table.column(self.column)
            except ParameterError as error:
                raise error.under("column") from None

    def __call__(self, trial: Trial) -> Measured:
        """Rank in every cell.

        :raises ParameterError: the column is missing, or nobody is to be found in any cell.
        """
        self.check(trial)
        asking, answering = trial.queries.column(self.column), trial.gallery.column(self.column)
        rows, columns = tuple(sorted(set(asking))), tuple(sorted(set(answering)))
        cells = {
            (one, other): _cell(trial, np.flatnonzero(asking == one), np.flatnonzero(answering == other), self.metrics)
            for one in rows
            for other in columns
        }
        if not any(cells.values()):
            raise ParameterError(
                f"no query has a scan of its subject to find, whatever the {self.column} of either", key=("column",)
            )
        estimates: dict[str, Estimate] = {}
        for name in self.metrics:
            for suffix, diagonal in (("", False), ("_within", True)):
                found = [cell[name] for pair, cell in cells.items() if cell and (pair[0] == pair[1]) == diagonal]
                if found:
                    estimates[f"{name}{suffix}"] = intervals.pool(found, seed=trial.seed)
        for (one, other), cell in cells.items():
            estimates |= {f"{name}[{one}>{other}]": estimate for name, estimate in cell.items()}
        empty = [f"{one}>{other}" for (one, other), cell in cells.items() if not cell]
        return Measured(
            estimates,
            exhibits={name: self._matrix(name, rows, columns, cells) for name in self.metrics},
            notes=[f"nobody is to be found in {', '.join(empty)}"] if empty else [],
        )

    def _matrix(
        self,
        name: str,
        rows: tuple[str, ...],
        columns: tuple[str, ...],
        cells: dict[tuple[str, str], dict[str, Estimate]],
    ) -> Matrix:
        nothing = Estimate(np.nan, np.nan, np.nan, 0)
        grid = [[cells[one, other].get(name, nothing) for other in columns] for one in rows]

        def part(field: str) -> np.ndarray:
            return np.array([[float(getattr(item, field)) for item in line] for line in grid])

        return Matrix(
            f"{name} by {self.column}",
            Axis(f"{self.column} of the query"),
            Axis(f"{self.column} of the gallery"),
            Axis(name),
            rows,
            columns,
            part("value"),
            part("low"),
            part("high"),
            part("n"),
        )


def _cell(trial: Trial, asking: np.ndarray, answering: np.ndarray, names: tuple[Metric, ...]) -> dict[str, Estimate]:
    part = selected(trial, asking, answering)
    ranking = rank(part, lone=False)
    kept = ~ranking.lone
    if not kept.any():
        return {}
    scans, subjects = part.queries.scans[kept], part.queries.subjects[kept]
    return {
        name: intervals.estimate(
            Units(scans, subjects, _METRICS[name](ranking)[kept], np.ones(int(kept.sum()))), seed=trial.seed
        )
        for name in names
    }
