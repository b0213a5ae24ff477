from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from mlfp_plugins.scorers.mlkr import MLKR
from mlfp_plugins.scorers.mlkr_loss import leave_one_out_weights, loss_and_gradient
from mlfp_plugins.scorers.nca import NCA
from scipy.optimize import check_grad
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.neighbors import NeighborhoodComponentsAnalysis
from torch import Tensor

from mlfp.errors import MlfpError, ParameterError, UsageError
from mlfp.types.scan_table import ScanTable

BOTH = pytest.mark.parametrize("kind", [NCA, MLKR])


def table(labels: list[int]) -> ScanTable:
    rows = [{"scan": f"{place}", "subject": f"s{label:03d}"} for place, label in enumerate(labels)]
    return ScanTable(pd.DataFrame(rows))


def population(
    subjects: int, scans: int = 2, *, seed: int = 0, nuisance: float = 4.0, noise: float = 0.1
) -> tuple[Tensor, ScanTable]:
    """Scans of (1, 6, 6): half of the pixels tell the subject, faintly; the others shout, and tell nothing."""
    rng = np.random.default_rng(seed)
    who = np.repeat(rng.normal(size=(subjects, 18)), scans, axis=0)
    pixels = np.concatenate([who, nuisance * rng.normal(size=who.shape)], axis=1)
    pixels += noise * rng.normal(size=pixels.shape)
    labels = np.repeat(np.arange(subjects), scans).tolist()
    return torch.from_numpy(pixels.reshape(-1, 1, 6, 6)).float(), table(labels)


def hit_rate(scorer: NCA | MLKR, images: Tensor, labels: np.ndarray) -> float:
    described = scorer.describe(images)
    scores = scorer.score(described, described)
    scores.fill_diagonal_(-torch.inf)
    return float((labels[scores.argmax(dim=1).numpy()] == labels).mean())


@pytest.mark.parametrize("targets", ["one-hot", "index"])
def test_the_gradient_of_mlkr_is_that_of_its_loss(targets: str) -> None:
    rng = np.random.default_rng(0)
    points, labels = rng.normal(size=(14, 5)), np.array([0, 0, 1, 1, 2, 2, 2, 3, 3, 4, 5, 5, 6, 6])
    wanted, counted = MLKR(targets=targets).wanted(labels)  # type: ignore[arg-type]

    def part(flat: np.ndarray, which: int):
        return np.ravel(loss_and_gradient(flat.reshape(3, 5), points, wanted, counted)[which])

    for matrix in rng.normal(size=(3, 15)) * 0.6:
        error = check_grad(lambda flat: float(part(flat, 0)[0]), lambda flat: part(flat, 1), matrix)
        assert error < 1e-5 * np.linalg.norm(part(matrix, 1))


def test_the_loss_of_mlkr_is_the_papers_by_loops() -> None:
    rng = np.random.default_rng(1)
    matrix, points, targets = rng.normal(size=(2, 3)), rng.normal(size=(6, 3)), rng.normal(size=(6, 1))
    expected = 0.0
    for i in range(6):
        kernel = [np.exp(-np.sum((matrix @ points[i] - matrix @ points[j]) ** 2)) if j != i else 0 for j in range(6)]
        foretold = sum(kernel[j] * targets[j, 0] for j in range(6)) / sum(kernel)
        expected += (foretold - targets[i, 0]) ** 2
    found, _ = loss_and_gradient(matrix, points, targets, np.ones(6, dtype=bool))
    assert found == pytest.approx(expected)


def test_far_away_points_still_have_neighbours() -> None:
    weights = leave_one_out_weights(np.array([[0.0], [1e3], [3e3]]))
    np.testing.assert_allclose(weights, [[0, 1, 0], [1, 0, 0], [0, 1, 0]])


def test_targets_of_mlkr_worked_by_hand() -> None:
    labels = np.array([4, 4, 7, 9])
    wanted, counted = MLKR().wanted(labels)
    assert wanted.tolist() == [[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert counted.tolist() == [True, True, False, False]
    wanted, counted = MLKR(targets="index").wanted(labels)
    np.testing.assert_allclose(wanted[:, 0] / wanted[2, 0], [0, 0, 1, 2])
    assert counted.all()


def test_nca_is_scikit_learns_on_whitened_components() -> None:
    images, scans = population(8, 3)
    pixels = images.flatten(1).double().numpy()
    pca = PCA(5, whiten=True).fit(pixels)
    points = pca.transform(pixels) * 2 / np.sqrt(5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        peer = NeighborhoodComponentsAnalysis(3, init=np.eye(3, 5), max_iter=20).fit(points, scans.labels())
    expected = peer.transform(points)
    scorer = NCA(pca=5, components=3, max_iter=20)
    scorer.fit(images, scans)
    described = scorer.describe(images)
    scores = scorer.score(described, described).numpy()
    wanted = -np.linalg.norm(expected[:, None] - expected, axis=2)
    np.testing.assert_allclose(scores, wanted, rtol=0.01, atol=0.01)


class Unlearnt(NCA):
    def learn(self, points: np.ndarray, labels: np.ndarray, start: np.ndarray) -> np.ndarray:
        return start


@BOTH
@pytest.mark.parametrize(("whiten", "nuisance"), [(True, 4.0), (False, 1.5)])
def test_what_tells_nothing_is_unlearnt(kind: type[NCA | MLKR], whiten: bool, nuisance: float) -> None:
    images, scans = population(40, 4, nuisance=nuisance)
    unseen, others = population(30, 2, seed=1, nuisance=nuisance)
    rates = []
    for scorer in (Unlearnt(pca=36, whiten=whiten), kind(pca=36, whiten=whiten)):
        scorer.fit(images, scans)
        rates.append(hit_rate(scorer, unseen, others.labels()))
    assert rates[1] > rates[0] + 0.15


@BOTH
def test_numbers_of_subjects_say_little_as_targets(kind: type[NCA | MLKR]) -> None:
    """Why one-hot is the default: with ``index`` a subject's neighbours in the list of ids count as like it."""
    images, scans = population(40, 4)
    index = MLKR(pca=36, targets="index")
    index.fit(images, scans)
    better = kind(pca=36)
    better.fit(images, scans)
    unseen, others = population(30, 2, seed=1)
    assert hit_rate(index, unseen, others.labels()) < hit_rate(better, unseen, others.labels())


@BOTH
def test_the_same_seed_gives_the_same_and_draws_whole_subjects(kind: type[NCA | MLKR]) -> None:
    images, scans = population(20, 3)
    made = []
    for _ in range(2):
        scorer = kind(pca=8, scans=31, seed=5)
        scorer.fit(images, scans)
        made.append(scorer.describe(images))
    assert torch.equal(*made)
    chosen = scorer._chosen(scans.labels())
    assert len(chosen) == 30
    assert set(np.bincount(scans.labels()[chosen]).tolist()) <= {0, 3}


@BOTH
def test_it_learns_from_augmented_scans(kind: type[NCA | MLKR]) -> None:
    images, scans = population(10, 2)
    scorer = kind(pca=8, augmentations=[{"use": "noise", "probability": 1}], copies=3)
    assert len(scorer._material(images, scans.labels())[0]) == 3 * len(images)
    scorer.fit(images, scans)
    plain = kind(pca=8)
    plain.fit(images, scans)
    assert not torch.allclose(scorer.describe(images), plain.describe(images), atol=1e-3)


@BOTH
def test_subjects_with_one_scan_are_rivals_only(kind: type[NCA | MLKR]) -> None:
    """Most subjects have one scan: nothing to warn of, and the others are still learnt from."""
    images, scans = population(60, 2)
    labels = scans.labels()
    lone = (labels >= 20) & (np.arange(len(labels)) % 2 == 1)
    scorer = kind(pca=30)
    scorer.fit(images[torch.from_numpy(~lone)], table(labels[~lone].tolist()))
    assert hit_rate(scorer, images[:40], labels[:40]) > 0.9


@BOTH
def test_what_cannot_be_is_refused(kind: type[NCA | MLKR]) -> None:
    images, scans = population(5, 2)
    with pytest.raises(ParameterError, match="pca should be 1 or more") as caught:
        kind(pca=0).fit(images, scans)
    assert caught.value.key == ("pca",)
    with pytest.raises(UsageError, match="two training scans"):
        kind().fit(images, table(list(range(10))))
    with pytest.raises(MlfpError, match="only after fit"):
        kind().describe(images)
