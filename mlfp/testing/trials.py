"""Trials of made-up scans that are known through and through, to test evaluators by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from mlfp.evaluation.similarity import VectorSimilarity
from mlfp.types.scan_table import ScanTable
from mlfp.types.spec import Spec
from mlfp.types.trial import Trial


def trial(
    labels: Sequence[int] | np.ndarray, vectors: np.ndarray, distance: str = "cosine", **columns: Sequence[object]
) -> Trial:
    """Scans that ask among each other."""
    frame = {"scan": [f"s{place}" for place in range(len(labels))], "subject": np.asarray(labels).astype(str)}
    table, found = ScanTable(pd.DataFrame({**frame, **columns}), source="toy"), vectors.astype(np.float32)
    return Trial(table, table, VectorSimilarity(found, found, distance), (), found, found, distance)


@dataclass
class Remade:
    """Scans behind a trial whose every alteration is written down.

    :param trial: as it is.
    :param altered_to: by the parameters of the last step: vectors of queries (and gallery, if both).
    :param scorers: by name: vectors that another scorer compares.
    :param chosen_on: the trial of the validation side.
    :param asked: what was asked for: steps before and after all others, and whether of both sides.
    """

    trial: Trial
    altered_to: Mapping[str, np.ndarray] = field(default_factory=dict)
    scorers: Mapping[str, np.ndarray] = field(default_factory=dict)
    chosen_on: Trial | None = None
    asked: list[tuple[list[str], list[str], bool]] = field(default_factory=list)

    def altered(self, before: Sequence[Spec], after: Sequence[Spec], *, both: bool = False) -> Trial:
        """The vectors that were written down for the last step, or those of the trial."""
        self.asked.append(([_text(step) for step in before], [_text(step) for step in after], both))
        found = self.altered_to.get(_text([*before, *after][-1]))
        if found is None:
            return self.trial
        queries = found.astype(np.float32)
        assert self.trial.gallery_vectors is not None
        gallery = queries if both else self.trial.gallery_vectors
        return replace(self.trial, similarity=VectorSimilarity(queries, gallery, self.trial.distance))

    def scored_by(self, scorer: Spec) -> Trial:
        """The vectors that were written down for this scorer."""
        found = self.scorers[scorer.use].astype(np.float32)
        return replace(self.trial, similarity=VectorSimilarity(found, found, "l2"))

    def validation(self) -> Trial | None:
        """What was given for it."""
        return self.chosen_on

    def describe(self, count: int) -> int:
        """Nothing is described; so many would be."""
        return min(count, len(self.trial.queries))


def _text(step: Spec) -> str:
    return " ".join([step.use, *(f"{name}={value}" for name, value in step.parameters.items())])


def behind(
    given: Trial,
    altered_to: Mapping[str, np.ndarray] | None = None,
    scorers: Mapping[str, np.ndarray] | None = None,
    chosen_on: Trial | None = None,
) -> Trial:
    """The trial with scans behind it; see :class:`Remade`."""
    return replace(given, scans=Remade(given, altered_to or {}, scorers or {}, chosen_on))
