from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from mlfp.evaluation import paired


def scipys(differences: np.ndarray, resamples: int = 9999) -> float:
    """scipy's test of two samples whose members are swapped pairwise."""
    return float(
        stats.permutation_test(
            (differences, np.zeros_like(differences)),
            lambda a, b, axis: np.mean(a - b, axis=axis),
            permutation_type="samples",
            vectorized=True,
            n_resamples=resamples,
            rng=np.random.default_rng(0),
        ).pvalue
    )


@pytest.mark.parametrize("subjects", [2, 3, 5, 9])
def test_all_swaps_of_few_subjects_give_scipys_p(subjects: int) -> None:
    differences = np.random.default_rng(subjects).normal(0.5, 1, (subjects, 4))
    found = paired.permutation(differences, seed=0, draws=999)
    assert found == pytest.approx([scipys(column) for column in differences.T])


def test_all_swaps_are_tried_by_hand() -> None:
    """Differences 3, 2, 1 sum to 6; of 8 choices of signs 6 and -6 reach that."""
    assert paired.permutation(np.array([[3.0], [2], [1]]), seed=0, draws=99)[0] == 2 / 8
    sums = [
        abs(sum(s * v for s, v in zip(signs, (3, 2, -1), strict=True)))
        for signs in itertools.product((1, -1), repeat=3)
    ]
    by_hand = sum(value >= 4 for value in sums) / 8
    assert paired.permutation(np.array([[3.0], [2], [-1]]), seed=0, draws=99)[0] == by_hand


def test_drawn_swaps_come_near_to_scipys_p() -> None:
    differences = np.random.default_rng(0).normal(0.25, 1, (40, 3))
    found = paired.permutation(differences, seed=0, draws=49999)
    assert found == pytest.approx([scipys(column, 49999) for column in differences.T], abs=0.015)


def test_subjects_that_do_not_differ_change_nothing() -> None:
    differences = np.random.default_rng(0).normal(0.5, 1, (8, 1))
    padded = np.concatenate([differences, np.zeros((30, 1))])
    assert paired.permutation(padded, seed=0, draws=99) == paired.permutation(differences, seed=0, draws=99)
    assert paired.permutation(np.zeros((9, 1)), seed=0, draws=99)[0] == 1


def test_ties_count_although_sums_are_rounded() -> None:
    """0.1 + 0.2 - 0.3 is not 0 but rounding, which every swap reaches."""
    assert paired.permutation(np.array([[0.1], [0.2], [-0.3]]), seed=0, draws=99)[0] == 1
    values = np.array([0.1] * 6)[:, None]
    assert paired.permutation(values, seed=0, draws=99)[0] == 2 / 2**6


def test_the_least_p_is_that_of_all_pointing_one_way() -> None:
    for subjects in (1, 4, 13, 14, 50):
        found = paired.permutation(np.ones((subjects, 1)), seed=0, draws=499)[0]
        assert found == pytest.approx(paired.least(subjects, draws=499), abs=0.005)
        assert found >= paired.least(subjects, draws=499)
    assert paired.least(0, draws=99) == 1


def test_p_does_not_depend_on_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    differences = np.random.default_rng(0).normal(0.3, 1, (30, 2))
    found = paired.permutation(differences, seed=3, draws=499)
    monkeypatch.setattr(paired, "BUDGET", 1)
    assert list(paired.permutation(differences, seed=3, draws=499)) == list(found)


@pytest.mark.parametrize("rate", [0.3, 0.5, 0.9])
def test_mcnemar_is_scipys_binomial_test(rate: float) -> None:
    generator = np.random.default_rng(0)
    first, second = (generator.random(80) < rate).astype(float), (generator.random(80) < 0.5).astype(float)
    found = paired.mcnemar(first, second)
    assert found is not None
    assert found.only_first == int(((first == 1) & (second == 0)).sum())
    both = found.only_first + found.only_second
    assert found.p == pytest.approx(stats.binomtest(found.only_first, both, 0.5).pvalue)


def test_mcnemar_without_a_query_that_tells_is_no_evidence_and_needs_successes() -> None:
    same = np.array([1.0, 0, 1])
    found = paired.mcnemar(same, same)
    assert found is not None
    assert (found.only_first, found.only_second, found.p) == (0, 0, 1)
    assert paired.mcnemar(same, np.array([1, 0.5, 1])) is None


def test_t_test_is_scipys() -> None:
    generator = np.random.default_rng(0)
    first, second = generator.random(30), generator.random(30)
    found, wanted = paired.t_test(first, second), stats.ttest_rel(first, second)
    assert (found.t, found.p, found.df) == pytest.approx((wanted.statistic, wanted.pvalue, wanted.df))


def test_t_test_of_equal_differences_is_no_number() -> None:
    assert math.isnan(paired.t_test(np.ones(5), np.zeros(5)).p)
    assert math.isnan(paired.t_test(np.ones(1), np.zeros(1)).p)


def test_holm_by_hand() -> None:
    """0.005 x 4, 0.01 x 3, 0.03 x 2, 0.04 x 1; the last may not come before the one that is smaller."""
    assert list(paired.holm(np.array([0.01, 0.04, 0.03, 0.005]))) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert list(paired.holm(np.array([0.5, 0.6]))) == [1, 1]
    assert list(paired.holm(np.array([0.2]))) == [0.2]
    assert list(paired.holm(np.zeros(0))) == []


def test_holm_lies_between_no_correction_and_bonferronis() -> None:
    p = np.random.default_rng(0).random(20) ** 3
    found = paired.holm(p)
    assert (found >= p).all()
    assert (found <= np.minimum(1, 20 * p)).all()
    assert list(np.argsort(found, kind="stable")[:5]) == list(np.argsort(p, kind="stable")[:5])


@pytest.mark.slow
@pytest.mark.parametrize("subjects", [10, 40])
def test_p_is_uniform_where_there_is_no_difference(subjects: int) -> None:
    """Of 2000 pairs of equal methods a share x has a p of at most x, whatever the luck of a subject."""
    generator = np.random.default_rng(0)
    luck = generator.normal(0, 3, (subjects, 1))
    scale = generator.gamma(1, 1, (subjects, 1))
    first = luck + scale * generator.normal(size=(subjects, 2000))
    second = luck + scale * generator.normal(size=(subjects, 2000))
    p = paired.permutation(first - second, seed=0, draws=1999)
    for share in (0.01, 0.05, 0.1, 0.25, 0.5, 0.9):
        error = math.sqrt(share * (1 - share) / 2000)
        assert abs(np.mean(p <= share) - share) < 4 * error + 2.0 ** (1 - subjects)
