from __future__ import annotations

import numpy as np
from mlfp_plugins.evaluators.cost import Cost

from mlfp.testing.trials import behind, trial


def test_it_counts_bytes_and_measures_time() -> None:
    given = behind(trial(np.repeat(np.arange(40), 2), np.random.default_rng(0).normal(size=(80, 16))))
    found = Cost(repeats=3)(given)
    assert found["bytes_per_scan"].value == 16 * 4
    assert (found["ms_per_query"].n, found["images_per_second"].n) == (50, 3)
    assert found["ms_per_query"].value > 0


def test_fingerprints_alone_say_nothing_of_images() -> None:
    found = Cost()(trial([0, 0, 1], np.eye(3)))
    assert set(found) == {"ms_per_query", "bytes_per_scan"}
    assert "images_per_second needs the scans" in found.notes[0]
