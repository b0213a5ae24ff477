"""Whether a method tells the outline of head or body, or the header of the file, instead of what lies inside."""

from __future__ import annotations

import numpy as np

from mlfp.errors import MlfpError
from mlfp.evaluation import metrics
from mlfp.evaluation.ranking import rank
from mlfp.types.estimate import Estimate
from mlfp.types.ranking import Ranking
from mlfp.types.scan_table import ScanTable
from mlfp.types.spec import Spec
from mlfp.types.trial import Scans, Trial
from mlfp_plugins.shortcuts.reading import TOLERATED, Findings

#: Columns that tell of the acquisition and not of the subject.
ACQUISITION = ("site", "manufacturer", "model", "protocol", "scanner")


def look(trial: Trial, ranking: Ranking, scans: Scans, cut: float, findings: Findings) -> None:
    """All readings about the outline.

    :param cut: mm.
    """
    plain = findings.average(trial.queries, metrics.precision_at_1(ranking), ~ranking.lone)
    chance = float((ranking.relevant_total / max(len(trial.gallery) - 1, 1))[~ranking.lone].mean())
    only = _hits(scans.altered([], [Spec("outline-only")], both=True), findings)
    findings.add(
        "hit_at_1_outline_only",
        "hit_at_1 from outlines alone",
        only,
        reference=chance,
        alarm=lambda found: found.low - chance > TOLERATED * (plain.value - chance),
        fine="Shown outlines alone, the method is not shown to find more than chance does.",
        wrong="Shown outlines alone, the method finds most of what it finds in whole scans.",
        partly=(
            lambda found: found.low > chance,
            "Shown outlines alone, the method still finds subjects, though not most of what it finds in whole scans.",
        ),
    )
    edge = Spec("disturb", {"kind": "edge", "amount": cut})
    findings.add(
        "hit_at_1_outline_cut",
        "hit_at_1 after the query's outline was cut",
        _hits(scans.altered([], [edge]), findings),
        reference=plain.value,
        alarm=lambda found: found.high - chance < TOLERATED * (plain.value - chance),
        fine="Another outline around the same inside is not shown to do harm.",
        wrong="Another outline around the same inside loses most subjects.",
        partly=(
            lambda found: found.high < plain.value,
            "Another outline around the same inside loses subjects, though not most of them.",
        ),
    )


def rival(trial: Trial, ranking: Ranking, scans: Scans, name: str, scorer: Spec, findings: Findings) -> None:
    """What a scorer that knows the shortcut and nothing else finds among the same scans.

    :param name: ``outline`` or ``header``.
    """
    try:
        other = scans.scored_by(scorer)
        hits = metrics.precision_at_1(rank(other, lone=False))
    except MlfpError as error:
        findings.notes.append(f"{name}: {error.what}")
        return
    own = metrics.precision_at_1(ranking)
    gain = findings.average(trial.queries, own - hits, ~ranking.lone)
    findings.add(
        f"hit_at_1_of_{name}",
        f"hit_at_1 of the {name} alone",
        findings.average(trial.queries, hits, ~ranking.lone),
        reference=float(own[~ranking.lone].mean()),
        alarm=lambda found: gain.low <= 0 or np.isnan(gain.low),
        fine=f"The method finds more subjects than their {name} alone does.",
        wrong=f"The {name} alone finds as many subjects as the method.",
    )


def acquisition(table: ScanTable) -> Spec | None:
    """The scorer of headers that fits a table: with its columns of acquisition; None where there is nothing to see."""
    columns = [name for name in ACQUISITION if name in table.columns and len(set(table.column(name))) > 1]
    files = "path" in table.columns and all(table.column("path"))
    return Spec("header-only", {"columns": columns}) if columns or files else None


def _hits(trial: Trial, findings: Findings) -> Estimate:
    ranking = rank(trial, lone=False)
    return findings.average(trial.queries, metrics.precision_at_1(ranking), ~ranking.lone)
