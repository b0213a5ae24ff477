from __future__ import annotations

import numpy as np
import pytest

from mlfp.plugins import registry
from mlfp.report.html.glossary import meanings
from mlfp.testing.trials import trial
from mlfp.types.spec import Spec

#: What needs a model, a time, or scans to alter is seen in tests of its own.
ALONE = ("retrieval", "verification", "open-set", "clusters", "few-shot", "fairness", "shortcuts", "cost")
#: Some of the others.
MADE = ("hit_at_1_kin", "hit_at_1_cross_site", "skull_strip", "images_per_second", "map_at_3_relevant", "mrr")


@pytest.mark.parametrize("name", ALONE)
def test_every_metric_has_a_meaning(name: str) -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(60), 3)
    vectors = rng.normal(size=(60, 8))[labels] + 0.6 * rng.normal(size=(180, 8))
    sexes, sites = np.where(labels % 2, "F", "M"), np.where(labels % 3, "a", "b")
    found = registry().build("evaluator", Spec(name))(trial(labels, vectors, sex=sexes, site=sites))
    plain = {metric.partition("[")[0] for metric in found}
    assert plain - set(meanings(f"x.{metric}" for metric in plain)) == set()


def test_others_that_are_known() -> None:
    assert set(meanings(f"x.{name}" for name in MADE)) == set(MADE)
    assert "agree in sex and age" in meanings(["v.eer_matched"])["eer_matched"]
