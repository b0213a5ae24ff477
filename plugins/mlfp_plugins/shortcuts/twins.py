"""Whether a method tells people, or their kin."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mlfp.evaluation import metrics
from mlfp.evaluation.eligibility import Eligibility
from mlfp.evaluation.ranking import rank
from mlfp.types.trial import Trial
from mlfp_plugins.shortcuts.reading import Findings


def look(trial: Trial, column: str, findings: Findings) -> None:
    """Accuracy where all strangers are of the query's own group: its twin, its family."""
    among = replace(trial, rivals=(*trial.rivals, column))
    eligibility = Eligibility.of(among)
    groups = trial.gallery.column(column)
    named = trial.queries.column(column) != ""
    totals = eligibility.relevant_total
    kin = np.array(
        [
            np.count_nonzero((groups == group) & (trial.gallery.subjects != subject))
            for group, subject in zip(trial.queries.column(column), trial.queries.subjects, strict=True)
        ]
    )
    kept = named & (kin > 0) & (totals > 0)
    if not kept.any():
        findings.notes.append(f"no {column} has two subjects, so nobody can be confused with kin")
        return
    reference = float((totals / np.maximum(totals + kin, 1))[kept].mean())
    findings.add(
        "hit_at_1_kin",
        "hit_at_1 among kin",
        findings.average(trial.queries, metrics.precision_at_1(rank(among, lone=False)), kept),
        reference=reference,
        alarm=lambda found: found.low <= reference,
        fine="Subjects are told from their kin, above chance.",
        wrong="Among their kin, subjects are found no better than by chance.",
    )
