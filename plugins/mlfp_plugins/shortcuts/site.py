"""Whether a method tells scanners instead of people."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mlfp.evaluation import metrics
from mlfp.evaluation.eligibility import Eligibility
from mlfp.evaluation.ranking import rank
from mlfp.seeds import numpy_generator
from mlfp.types.ranking import Ranking
from mlfp.types.trial import Trial
from mlfp_plugins.shortcuts.reading import TOLERATED, Findings, excess

#: Folds of subjects that the probe is tried on.
FOLDS = 4


def look(trial: Trial, ranking: Ranking, column: str, findings: Findings) -> None:
    """All readings about the column of sites."""
    sites = trial.queries.column(column)
    if len(set(sites)) < 2:
        findings.notes.append(f"all scans have one {column}, so nothing can be said of telling sites")
        return
    _attraction(trial, ranking, column, findings)
    _own_gallery(trial, column, findings)
    _across(trial, column, findings)
    if trial.query_vectors is not None:
        _probe(trial, trial.query_vectors, sites, column, findings)
    else:
        findings.notes.append("site_probe needs vectors, and this method has none")


def _attraction(trial: Trial, ranking: Ranking, column: str, findings: Findings) -> None:
    """Whether the nearest stranger comes from the same site more often than strangers do."""
    sites, gallery = trial.queries.column(column), trial.gallery.column(column)
    stranger = ~ranking.relevant & (ranking.neighbours >= 0)
    place = stranger.argmax(axis=1)
    kept: np.ndarray = np.any(stranger, axis=1)
    nearest = ranking.neighbours[np.arange(len(place)), place]
    same = (gallery[nearest] == sites).astype(np.float64)
    chance = _share_of_own(trial, column)
    reference = float(chance[kept].mean())
    findings.add(
        "nearest_stranger_same_site",
        "nearest stranger is of the same site",
        findings.average(trial.queries, same, kept),
        reference=reference,
        alarm=lambda found: excess(found.low, reference) > TOLERATED,
        fine=f"It is not shown that a scan's nearest stranger is of its {column} more often than by chance.",
        wrong=f"A scan's nearest stranger is nearly always of its {column}: the method tells the {column}.",
        partly=(
            lambda found: found.low > reference,
            f"A scan's nearest stranger is of its {column} more often than by chance: some of what is told apart is "
            f"the {column}.",
        ),
    )


def _share_of_own(trial: Trial, column: str) -> np.ndarray:
    """(Q,) share of the gallery's scans of other subjects that are of the query's site."""
    frame = trial.gallery.frame
    sites, subjects = trial.gallery.column(column), frame["subject"].to_numpy()
    asking = list(zip(trial.queries.subjects, trial.queries.column(column), strict=True))
    of_site = dict(zip(*np.unique(sites, return_counts=True), strict=True))
    of_subject = dict(zip(*np.unique(subjects, return_counts=True), strict=True))
    both: dict[tuple[str, str], int] = {}
    for pair in zip(subjects, sites, strict=True):
        both[pair] = both.get(pair, 0) + 1
    strangers = np.array([len(sites) - of_subject.get(subject, 0) for subject, _ in asking])
    own = np.array([of_site.get(site, 0) - both.get((subject, site), 0) for subject, site in asking])
    return np.asarray(own / np.maximum(strangers, 1))


def _own_gallery(trial: Trial, column: str, findings: Findings) -> None:
    """Accuracy where all strangers are of the query's site, which then tells nothing."""
    same = replace(trial, rivals=(*trial.rivals, column))
    ranking = rank(same)
    strangers = (_share_of_own(trial, column) * _strangers(trial)).round()
    kept: np.ndarray = ~ranking.lone & (strangers > 0)
    if not kept.any():
        findings.notes.append(f"no {column} has two subjects, so there is no gallery of one {column}")
        return
    chance = ranking.relevant_total / np.maximum(ranking.relevant_total + strangers, 1)
    reference = float(chance[kept].mean())
    findings.add(
        "hit_at_1_same_site_gallery",
        "hit_at_1 among scans of the same site",
        findings.average(trial.queries, metrics.precision_at_1(ranking), kept),
        reference=reference,
        alarm=lambda found: found.low <= reference,
        fine="Subjects are told apart within a site, above chance.",
        wrong=f"Within a {column}, subjects are found no better than by chance.",
    )


def _strangers(trial: Trial) -> np.ndarray:
    of_subject = dict(zip(*np.unique(trial.gallery.subjects, return_counts=True), strict=True))
    return np.array([len(trial.gallery) - of_subject.get(subject, 0) for subject in trial.queries.subjects])


def _across(trial: Trial, column: str, findings: Findings) -> None:
    """Accuracy where the subject is to be found at another site, beside the same queries where it is at the own."""
    other = replace(trial, ignore=(*trial.ignore, column))
    queries, gallery = trial.queries.column(column), trial.gallery.column(column)
    own = replace(trial, mates=lambda asking, answering: queries[asking] == gallery[answering])
    both = (Eligibility.of(other).relevant_total > 0) & (Eligibility.of(own).relevant_total > 0)
    if not (Eligibility.of(other).relevant_total > 0).any():
        findings.notes.append(
            f"no subject was scanned at two values of {column}: mated pairs cannot tell the two apart"
        )
        return
    hits = metrics.precision_at_1(rank(other, lone=False))
    if not both.any():
        findings.notes.append(f"no query has scans of its subject both at its {column} and elsewhere")
        return
    at_home = findings.average(trial.queries, metrics.precision_at_1(rank(own, lone=False)), both)
    findings.add(
        "hit_at_1_cross_site",
        "hit_at_1 with the subject at another site",
        findings.average(trial.queries, hits, both),
        reference=at_home.value,
        alarm=lambda found: found.high < TOLERATED * at_home.value,
        fine="Subjects are found at another site, too.",
        wrong=f"Subjects are found at their own {column} and lost at another.",
    )


def _probe(trial: Trial, vectors: np.ndarray, sites: np.ndarray, column: str, findings: Findings) -> None:
    """How well a linear probe reads the site of subjects it has not seen off their vectors."""
    from sklearn.linear_model import RidgeClassifier
    from sklearn.preprocessing import StandardScaler

    names, codes = np.unique(trial.queries.subjects.astype(str), return_inverse=True)
    if len(names) < 2 * FOLDS:
        findings.notes.append(f"site_probe needs {2 * FOLDS} subjects, and there are {len(names)}")
        return
    folds = numpy_generator(trial.seed, "site probe").permutation(len(names))[codes] % FOLDS
    right = np.zeros(len(sites))
    for fold in range(FOLDS):
        learn, held = folds != fold, folds == fold
        if len(set(sites[learn])) < 2:
            findings.notes.append("site_probe has folds in which all subjects are of one site")
            return
        scaler = StandardScaler().fit(vectors[learn])
        probe = RidgeClassifier(alpha=float(vectors.shape[1])).fit(scaler.transform(vectors[learn]), sites[learn])
        right[held] = probe.predict(scaler.transform(vectors[held])) == sites[held]
    reference = float(np.unique(sites, return_counts=True)[1].max() / len(sites))
    findings.add(
        "site_probe",
        "site read off the fingerprint",
        findings.average(trial.queries, right, np.ones(len(sites), bool)),
        reference=reference,
        alarm=lambda found: excess(found.low, reference) > TOLERATED,
        fine=f"It is not shown that a linear probe reads the {column} of unseen subjects better than by always naming "
        "the commonest.",
        wrong=f"A linear probe reads the {column} of unseen subjects off their fingerprints.",
        partly=(
            lambda found: found.low > reference,
            f"A linear probe reads the {column} of unseen subjects better than by always naming the commonest, though "
            "not most of the way to certainty.",
        ),
    )
