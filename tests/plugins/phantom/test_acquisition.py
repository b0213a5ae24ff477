"""What a scanner adds."""

from __future__ import annotations

import numpy as np
import pytest
from mlfp_plugins.phantom.acquisition import Scanner, acquire, scanner
from mlfp_plugins.phantom.settings import Settings

SHAPE = (40, 48, 40)
PLACES = np.indices(SHAPE) - np.array(SHAPE).reshape(3, 1, 1, 1) / 2
BALL = (np.linalg.norm(PLACES, axis=0) < 15).astype(np.float32)


def scanned(machine: Scanner, level: str = "easy", seed: int = 0) -> np.ndarray:
    settings = Settings(spacing=4.0, level=level)  # type: ignore[arg-type]
    return acquire(0.7 * BALL, BALL, settings, machine, np.random.default_rng(seed))


def test_noise_is_as_strong_as_the_scanners() -> None:
    quiet, loud = (scanned(Scanner(noise=noise))[16:24, 20:28, 16:24] for noise in (0.005, 0.06))
    assert (loud - quiet).std() == pytest.approx(0.06, rel=0.3)


def test_blur_takes_detail_away() -> None:
    sharp, soft = (np.abs(np.diff(scanned(Scanner(noise=0.0, blur=blur)), axis=0)).max() for blur in (0.0, 1.2))
    assert soft < 0.8 * sharp


def test_a_skull_strip_misses_differently_each_time_on_hard_only() -> None:
    sizes = {level: [(scanned(Scanner(), level, seed) > 0).sum() for seed in range(5)] for level in ("easy", "hard")}
    assert np.std(sizes["easy"]) < 0.2 * np.std(sizes["hard"])


def test_sites_differ_and_stay_the_same() -> None:
    settings = Settings(spacing=4.0, mode="site", sites=3)
    machines = [scanner(settings, site) for site in range(3)]
    assert len({machine.blur for machine in machines}) == len({machine.noise for machine in machines}) == 3
    first, second = machines[0].bias, machines[1].bias
    assert first is not None
    assert second is not None
    assert np.abs(first - second).max() > 0.1
    np.testing.assert_array_equal(first, scanner(settings, 0).bias)


def test_without_site_mode_there_is_one_scanner() -> None:
    assert scanner(Settings(), 0) == scanner(Settings(), 1) == Scanner()
