from __future__ import annotations

import numpy as np
import pytest
from mlfp_plugins.evaluators.clusters import Clusters
from scipy.cluster.hierarchy import fcluster, linkage
from sklearn.metrics import adjusted_rand_score

from mlfp.errors import UsageError
from mlfp.testing.trials import trial
from mlfp.types.exhibit import Histogram


def test_distances_worked_by_hand() -> None:
    """On a line: 0 and 2 (mean 1), 10 and 14 (mean 12), and one alone at 21."""
    found = Clusters()(trial([0, 0, 1, 1, 2], np.array([[0], [2], [10], [14], [21.0]]), "l2"))
    assert found["miasd"].value == pytest.approx((1 + 2) / 2)
    assert found["miesd"].value == pytest.approx(((11 + 20) / 2 + (11 + 9) / 2 + (20 + 9) / 2) / 3)
    assert found["separation"].value == pytest.approx(found["miesd"].value / found["miasd"].value)
    assert (found["adjusted_rand"].value, found["miasd"].n, found["miesd"].n) == (1, 2, 3)
    shown = found.exhibits["distances"]
    assert isinstance(shown, Histogram)
    assert [group.n for group in shown.groups] == [4, 3]


@pytest.mark.parametrize("seed", range(3))
def test_the_index_equals_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 12, 60)
    vectors = (rng.normal(size=(12, 4))[labels] + 0.6 * rng.normal(size=(60, 4))).astype(np.float32)
    found = Clusters()(trial(labels, vectors, "l2"))["adjusted_rand"]
    clusters = fcluster(linkage(vectors.astype(float), "average"), len(set(labels)), "maxclust")
    assert found.value == pytest.approx(adjusted_rand_score(labels, clusters))
    assert found.low < found.value < found.high


def test_means_equal_a_plain_loop() -> None:
    rng = np.random.default_rng(0)
    labels, vectors = rng.integers(0, 9, 40), rng.normal(size=(40, 5))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    found = Clusters()(trial(labels, vectors))
    means = {person: unit[labels == person].mean(axis=0) for person in set(labels.tolist())}
    within = [
        np.mean([np.linalg.norm(row - means[person]) for row in unit[labels == person]])
        for person in means
        if (labels == person).sum() > 1
    ]
    between = [np.mean([np.linalg.norm(means[a] - means[b]) for b in means if b != a]) for a in means]
    assert found["miasd"].value == pytest.approx(np.mean(within), abs=1e-6)
    assert found["miesd"].value == pytest.approx(np.mean(between), abs=1e-6)


def test_many_scans_are_clustered_in_part() -> None:
    labels = np.repeat(np.arange(30), 2)
    vectors = np.random.default_rng(0).normal(size=(30, 8))[labels] + 1e-3 * np.arange(60)[:, None] % 2
    found = Clusters(most=20)(trial(labels, vectors))
    assert (found["adjusted_rand"].n, found["adjusted_rand"].value) == (20, 1)


def test_one_scan_a_subject_is_no_cluster() -> None:
    with pytest.raises(UsageError, match="two scans"):
        Clusters()(trial([0, 1, 2], np.eye(3)))
