"""What a search shows of its own false pairs: their number comes as expected, whatever the shape of their scores."""

from __future__ import annotations

import numpy as np
import pytest

from mlfp.leaks.calibration import curve_of, probability
from mlfp.leaks.densities import Kernels, Tail, null
from mlfp.leaks.mixture import Seen, separate
from mlfp.leaks.odds import among_siblings

SIZE, TRUE = 700, 70
SHAPES = {
    "normal": lambda generator, count: generator.normal(size=count),
    "skewed": lambda generator, count: (generator.gamma(9, size=count) - 9) / 3,
    "heavy": lambda generator, count: generator.standard_t(6, size=count) / 1.225,
    "bounded": lambda generator, count: (generator.beta(11, 11, size=count) - 0.5) / 0.1043,
}


def _table(shape: str, higher: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores of 700 scans with 700 others, and which are true: those of the first 70 on the diagonal."""
    generator = np.random.default_rng(seed)
    scores = SHAPES[shape](generator, SIZE * SIZE).reshape(SIZE, SIZE)
    true = np.zeros((SIZE, SIZE), dtype=bool)
    true[np.arange(TRUE), np.arange(TRUE)] = True
    scores[true] = generator.normal(higher, 1, size=TRUE)
    return scores, true


def _nearest(scores: np.ndarray, k: int) -> np.ndarray:
    rows, columns = np.sort(scores, axis=1)[:, -k], np.sort(scores, axis=0)[-k]
    return (scores >= rows[:, None]) | (scores >= columns)


def _reported(found, scores: np.ndarray, p_same: float) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[no-untyped-def]
    curve = curve_of(found.alike, found.null, (float(scores.min()), float(scores.max())))
    chance = probability(curve.evidence(scores), found.share)
    return chance >= p_same, chance


@pytest.mark.parametrize("neighbours", [0, 10], ids=["all pairs", "nearest 10"])
@pytest.mark.parametrize("shape", SHAPES)
def test_false_pairs_come_as_expected(shape: str, neighbours: int) -> None:
    """Calibrated on people who score one standard deviation higher, which would promise too few false pairs."""
    alike = Kernels.of(np.random.default_rng(5).normal(6, 1, size=300))
    scores, true = _table(shape, 5.0, seed=len(shape))
    if neighbours:
        chosen = _nearest(scores, neighbours)
        complete = float(np.quantile(scores, 1 - 3 / SIZE))  # above, hardly any pair is not among the nearest
        high = chosen & (scores > complete)
        seen = Seen(scores[high], np.ones(int(high.sum())), scores.ravel()[::7], scores.size, complete)
    else:
        chosen = np.ones_like(true)
        seen = Seen(scores.ravel(), np.ones(scores.size), scores.ravel(), scores.size)
    found = separate(seen, alike)
    told = 0
    for p_same in (0.1, 0.02, 0.005, 0.001):
        reported, chance = _reported(found, scores[chosen], p_same)
        false, expected = int((reported & ~true[chosen]).sum()), float((1 - chance)[reported].sum())
        if false >= 20:
            told += 1
            assert 0.5 * false < expected < 2 * false
    assert told
    if shape in ("normal", "bounded"):  # where true and false pairs overlap, how many are true cannot be known
        assert found.share * scores.size == pytest.approx(TRUE, rel=0.35)


def test_without_true_pairs_nothing_is_found() -> None:
    scores, _ = _table("normal", 0.0, seed=3)
    scores = np.random.default_rng(8).normal(size=scores.shape)
    seen = Seen(scores.ravel(), np.ones(scores.size), scores.ravel(), scores.size)
    found = separate(seen, Kernels.of(np.random.default_rng(5).normal(6, 1, size=300)))
    assert found.share * scores.size < 5
    assert not _reported(found, scores.ravel(), 0.5)[0].any()


@pytest.mark.parametrize("true", [400, 4000, 40_000])
def test_true_pairs_may_outnumber_the_false_ones_of_the_tail(true: int) -> None:
    generator = np.random.default_rng(true)
    scores = np.concatenate([generator.normal(5, 0.6, size=true), generator.normal(size=2_000_000)])
    complete = float(np.quantile(scores[true:], 1 - max(0.004, 4 * true / 2_000_000)))
    high = scores > complete
    seen = Seen(scores[high], np.ones(int(high.sum())), scores[true::20], scores.size, complete)
    found = separate(seen, Kernels.of(np.random.default_rng(5).normal(5.3, 0.6, size=300)))
    assert found.share * scores.size == pytest.approx(true, rel=0.35)
    reported, chance = _reported(found, scores[high], 0.02)
    false, expected = int((reported & (np.flatnonzero(high) >= true)).sum()), float((1 - chance)[reported].sum())
    assert 0.5 * false <= expected <= 2 * max(false, 5)


def test_a_tail_is_a_distribution_and_heavier_where_less_is_known() -> None:
    scores = np.random.default_rng(1).normal(size=100_000)
    many, few = null(scores, share=0.01), null(scores[:2000], share=0.05)
    grid = np.linspace(many.tail.start, 30, 20_001)
    density = many.density(grid)
    assert float(((density[1:] + density[:-1]) / 2).sum() * (grid[1] - grid[0])) == pytest.approx(0.01, rel=0.02)
    assert many.tail.above(many.tail.start) == pytest.approx(0.01, rel=0.01)
    assert 0.33 < many.tail.above(4.5) / 3.4e-6 < 3, "three decades beyond where it begins"
    assert few.tail.above(4.5) > many.tail.above(4.5)
    assert isinstance(many.tail, Tail)


def test_kernels_keep_their_mass_when_moved() -> None:
    kernels = Kernels.of(np.random.default_rng(1).normal(3, 2, size=5000))
    grid = np.linspace(-30, 40, 4001)
    for item in (kernels, kernels.moved(1, 1.5)):
        assert float(item.density(grid).sum() * (grid[1] - grid[0])) == pytest.approx(1, rel=1e-3)
    assert kernels.above(3) == pytest.approx(0.5, abs=0.03)
    assert kernels.moved(1, 1).above(3 + kernels.spread) == pytest.approx(0.5, abs=0.03)


def test_other_pairs_of_two_ids_speak_for_a_pair_but_not_against_its_own_evidence() -> None:
    chance = np.array([0.2, 0.99, 0.01, 0.3, 0.3, 0.001, 0.2, 0.99])
    evidence = np.array([0.0, 9.0, -12.0, 5.0, 5.0, 0.0, 0.0, 9.0])
    found = among_siblings(chance, evidence, np.array([7, 7, 7, 2, 2, 5, 9, 9]))
    assert found[6] == pytest.approx(0.95 * 0.99), "nothing speaks against it"
    assert found[0] == pytest.approx(0.95 * 0.5), "one of two others does"
    assert found[[1, 7]] == pytest.approx(0.99)
    assert found[2] < 0.05, "it looks like another person"
    assert found[3:5] == pytest.approx(0.3), "two who look alike are no surer for having two scans each"
    assert found[5] == 0.001
    assert len(among_siblings(np.zeros(0), np.zeros(0), np.zeros(0, dtype=int))) == 0


def test_one_lookalike_among_many_pairs_speaks_for_few() -> None:
    chance, evidence = np.full(25, 1e-4), np.full(25, -2.0)
    chance[3] = 0.9
    found = among_siblings(chance, evidence, np.zeros(25, dtype=int))
    assert found.sum() < 1.1
