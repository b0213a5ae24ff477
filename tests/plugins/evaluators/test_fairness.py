from __future__ import annotations

import numpy as np
import pytest
from mlfp_plugins.evaluators.fairness import Fairness

from mlfp.errors import ParameterError, UsageError
from mlfp.testing.trials import trial
from mlfp.types.exhibit import Matrix


def unfair(subjects: int = 80):
    """Women's scans scatter more, so their mated pairs are missed; ages are drawn."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(subjects), 3)
    women = labels % 2 == 0
    vectors = rng.normal(size=(subjects, 12))[labels]
    vectors += np.where(women, 1.2, 0.3)[:, None] * rng.normal(size=(len(labels), 12))
    return trial(labels, vectors, sex=np.where(women, "F", "M"), age=rng.integers(40, 80, subjects)[labels])


def test_rates_equal_counting_pairs() -> None:
    given = unfair()
    found = Fairness(by=("sex",), fmr=0.05)(given)
    everyone, subjects = np.arange(240), given.queries.subjects
    scores, sex = given.similarity.block(everyone, everyone), given.queries.column("sex")
    one, other = np.triu_indices(240, 1)
    same, score = subjects[one] == subjects[other], scores[one, other]
    falling = np.sort(score[~same])[::-1]
    threshold = falling[int(0.05 * len(falling))]
    assert found["fmr"].value == pytest.approx(0.05, abs=1e-4)
    for group in "FM":
        inside = (sex[one] == group) & (sex[other] == group)
        assert found[f"fnmr[sex={group}]"].value == pytest.approx((score[same & inside] <= threshold).mean())
        assert found[f"fmr[sex={group}]"].value == pytest.approx((score[~same & inside] > threshold).mean())
    gap = found["fnmr_gap_sex"]
    assert gap.value == pytest.approx(found["fnmr[sex=F]"].value - found["fnmr[sex=M]"].value)
    assert gap.low > 0.1
    shown = found.exhibits["sex"]
    assert isinstance(shown, Matrix)
    assert (shown.row_names, shown.column_names) == (("F", "M"), ("missed", "confused", "hit@1", "accepted"))
    assert shown.values[0, 0] == found["fnmr[sex=F]"].value


def test_hits_of_a_group_equal_looking_at_each_query() -> None:
    given = unfair()
    found = Fairness(by=("sex",), fmr=0.05)(given)
    everyone, subjects = np.arange(240), given.queries.subjects
    scores, sex = given.similarity.block(everyone, everyone), given.queries.column("sex")
    one, other = np.triu_indices(240, 1)
    strangers = np.sort(scores[one, other][subjects[one] != subjects[other]])[::-1]
    threshold = strangers[int(0.05 * len(strangers))]
    np.fill_diagonal(scores, -np.inf)
    right = subjects[scores.argmax(axis=1)] == subjects
    accepted = right & (scores.max(axis=1) > threshold)
    for name, wanted in (("hit_at_1", right), ("accepted_hit_at_1", accepted)):
        assert found[name].value == pytest.approx(wanted.mean())
        for group in "FM":
            estimate = found[f"{name}[sex={group}]"]
            assert estimate.value == pytest.approx(wanted[sex == group].mean())
            assert estimate.low <= estimate.value <= estimate.high
            assert estimate.n == 120
    assert found["hit_at_1_gap_sex"].value == pytest.approx(abs(right[sex == "F"].mean() - right[sex == "M"].mean()))


def test_ages_are_cut_into_ranges() -> None:
    found = Fairness(by=("age",), fmr=0.05)(unfair())
    groups = [name for name in found if name.startswith("fnmr[")]
    assert len(groups) == 3
    assert groups[0].startswith("fnmr[age=42 to 57")


def test_what_too_few_pairs_cannot_tell_is_left_out() -> None:
    labels = np.repeat(np.arange(40), 2)
    sex = ["M"] * 72 + ["F"] * 8
    found = Fairness(by=("sex",), fmr=0.01)(trial(labels, np.random.default_rng(0).normal(size=(80, 4)), sex=sex))
    assert found.notes == (
        "sex F has 4 mated pairs, which are too few",
        "sex has fewer than two groups of enough pairs, so there is nothing to compare",
    )
    assert set(found) == {"fnmr", "fmr", "hit_at_1", "accepted_hit_at_1"}
    with pytest.raises(UsageError, match="needs 100,000 pairs"):
        Fairness(by=("sex",), fmr=1e-4)(trial(labels, np.eye(80), sex=sex))


def test_a_column_must_be_there() -> None:
    with pytest.raises(ParameterError, match="none of the columns sexx"):
        Fairness(by=("sexx",))(unfair(10))
    with pytest.raises(ParameterError, match="between 0 and 1"):
        Fairness(fmr=0.0)(unfair(10))


def test_a_column_that_differs_within_a_subject_is_counted_whichever_scan_comes_first() -> None:
    rng = np.random.default_rng(1)
    labels, kinds = np.repeat(np.arange(40), 3), np.tile(["T1", "FLAIR", "T2"], 40)
    vectors = rng.normal(size=(40, 8))[labels] + np.where(kinds == "T2", 1.5, 0.3)[:, None] * rng.normal(size=(120, 8))
    forward = Fairness(by=("modality",), fmr=0.05)(trial(labels, vectors, modality=kinds))
    turned = Fairness(by=("modality",), fmr=0.05)(trial(labels[::-1], vectors[::-1], modality=kinds[::-1]))
    for kind in ("T1", "FLAIR", "T2"):
        name = f"fnmr[modality={kind}]"
        assert forward[name].n == 80  # of each subject two of three pairs
        assert turned[name].value == pytest.approx(forward[name].value)
    assert forward["fnmr[modality=T2]"].value > forward["fnmr[modality=T1]"].value
