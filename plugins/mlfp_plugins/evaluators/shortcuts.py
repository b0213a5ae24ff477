"""What could fool a reader of the other figures: scanner, outline, header, kin."""

from __future__ import annotations

from typing import Literal

from mlfp.evaluation import metrics
from mlfp.evaluation.ranking import rank
from mlfp.types.estimate import Estimate
from mlfp.types.exhibit import Panel
from mlfp.types.measured import Measured
from mlfp.types.spec import Spec
from mlfp.types.trial import Trial
from mlfp_plugins.shortcuts import outline, site, twins
from mlfp_plugins.shortcuts.reading import Findings


class Shortcuts:
    """A panel of readings that unmask a method which does not look at the anatomy; ``alarms`` counts those that do.

    Site (where the table has the column, and two values of it): whether the nearest stranger comes from the same
    scanner, ``nearest_stranger_same_site``; accuracy among strangers of the same scanner only,
    ``hit_at_1_same_site_gallery``, and with the subject's scans of other scanners only, ``hit_at_1_cross_site``; and
    how well a linear probe reads the scanner off the fingerprints of unseen subjects, ``site_probe``. Outline: accuracy
    when all scans are shown as flat outlines, ``hit_at_1_outline_only``; when the query's outline is cut anew and its
    inside left alone, ``hit_at_1_outline_cut``; and what the scorer ``outline`` finds, ``hit_at_1_of_outline``. Header:
    what ``header-only`` finds, ``hit_at_1_of_header``. Kin: accuracy among twins or families, ``hit_at_1_kin``.

    Each reading stands beside what a method without the fault would show. It raises the alarm where its interval lies
    on the wrong side: at chance, or beyond half the way from chance to certainty, or to the plain accuracy.

    :param site: the column of scanners.
    :param kin: the column of twins or families.
    :param cut: mm that a new skull strip cuts into the outline, on average.
    """

    needs: Literal["ranking"] = "ranking"

    def __init__(self, site: str = "site", kin: str = "group", cut: float = 4.0) -> None:
        self.site = site
        self.kin = kin
        self.cut = cut

    def __call__(self, trial: Trial) -> Measured:
        """Look at everything that the scan table and the method allow."""
        # As many neighbours as hold a stranger.
        ranking = rank(trial, at_least=1 + _most(trial))
        findings = Findings(trial.seed)
        plain = findings.average(trial.queries, metrics.precision_at_1(ranking), ~ranking.lone)
        known = set(trial.queries.columns) & set(trial.gallery.columns)
        if self.site in known:
            site.look(trial, ranking, self.site, findings)
        else:
            findings.notes.append(f"there is no column {self.site!r}, so nothing can be said of sites")
        if self.kin in known and trial.queries.column(self.kin).any():
            twins.look(trial, self.kin, findings)
        if trial.scans is None:
            findings.notes.append("the outline and the header need the scans, and there are only their fingerprints")
        else:
            outline.look(trial, ranking, trial.scans, self.cut, findings)
            outline.rival(trial, ranking, trial.scans, "outline", Spec("outline"), findings)
            header = outline.acquisition(trial.queries)
            if header is not None:
                outline.rival(trial, ranking, trial.scans, "header", header, findings)
        raised = float(sum(reading.alarm for reading in findings.readings))
        alarms = Estimate(raised, raised, raised, max(len(findings.readings), 1))
        return Measured(
            {"hit_at_1": plain, **findings.estimates, "alarms": alarms},
            exhibits={"panel": Panel("Shortcuts", tuple(findings.readings))},
            notes=findings.notes,
        )


def _most(trial: Trial) -> int:
    """The most scans that any subject has in the gallery."""
    return int(trial.gallery.frame["subject"].value_counts().max())
