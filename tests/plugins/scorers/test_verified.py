from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mlfp_plugins.scorers import verified as module
from mlfp_plugins.scorers.model import Model
from mlfp_plugins.scorers.verified import LEVEL, Verified, stands_out

from mlfp.data.small import reduced
from mlfp.errors import ParameterError
from mlfp.fingerprints.model import describe, untrained
from mlfp.leaks.calibration import Calibration, Curve
from mlfp.leaks.verify import compare
from mlfp.testing.scorers import check_scorer
from mlfp.types.spec import Spec
from mlfp.types.volume import Volume

SHAPE = (48, 40)
#: A score counts 3 for each standard deviation; a gain 100 times what it is.
CALIBRATION = Calibration(
    Curve((-40.0, 40.0), (-120.0, 120.0)), same=100, different=1000, subjects=50, highest=(8.0,), alike=(3.0,),
    verified=Curve((-1.0, 1.0), (-100.0, 100.0)), verified_same=50, verified_different=50,
)  # fmt: skip


def saved(path, shape=SHAPE, calibration=CALIBRATION):
    made = untrained(describe(Spec("compact-2d"), shape=(1, *shape), embedding_dim=8), 0).eval()
    if calibration is not None:
        object.__setattr__(made.card, "calibration", calibration.to_json())
    made.save(path)
    return str(path)


@pytest.fixture
def model(tmp_path):
    return saved(tmp_path / "m.safetensors")


def heads(count):
    """Blobs in an ellipse, with air around."""
    generator = np.random.default_rng(0)
    rows, columns = np.meshgrid(*(np.linspace(-1, 1, size) for size in SHAPE), indexing="ij")
    found = []
    for _ in range(count):
        pixels = np.full(SHAPE, 0.5)
        for _ in range(12):
            place, width = generator.uniform(-0.6, 0.6, 2), generator.uniform(0.08, 0.2)
            distance = (rows - place[0]) ** 2 + (columns - place[1]) ** 2
            pixels += generator.choice([-1, 1]) * 0.3 * np.exp(-distance / (2 * width**2))
        found.append(np.where((rows / 0.8) ** 2 + (columns / 0.8) ** 2 < 1, pixels.clip(0.1), 0))
    return torch.tensor(np.stack(found)[:, None], dtype=torch.float32)


@pytest.fixture
def quick(monkeypatch):
    """Something that takes no second a pair, in place of laying scans over each other."""

    def product(one, two):
        return SimpleNamespace(gain=float((one.data[0] * two.data[0]).mean()) / 10)

    monkeypatch.setattr(module, "compare", product)
    monkeypatch.setattr(module, "gain", lambda one, two: product(one, two).gain)


def outlying(model, queries, gallery):
    """How far each pair lies out, slowly: in standard deviations of either scan's similarities to the gallery."""
    plain = Model(model)
    asked, there = (plain.describe(side).numpy() for side in (queries, gallery))
    mean = there.sum(0) / (len(there) + 10)
    asked, there = ((side - mean) / np.linalg.norm(side - mean, axis=1, keepdims=True) for side in (asked, there))
    found = np.zeros((len(asked), len(there)))
    for row, one in enumerate(asked):
        for column, two in enumerate(there):
            own, other = there @ one, there @ two
            other[column] = np.median(other)
            for cohort in (own, other):
                low, middle, high = np.quantile(cohort, [0.1587, 0.5, 0.8413])
                found[row, column] += (one @ two - middle) / (high - low)  # half of the mean of two sides
    return found


def test_the_evidence_of_what_aligning_shows_is_added_until_one_stands_out(model, quick):
    images = heads(6)
    far = outlying(model, images[:3], images)
    expected = 3 * far + LEVEL * far
    for row in range(3):
        order = np.argsort(-expected[row])[:3]
        left = list(order)
        while left:
            chances = np.exp(expected[row]) / (np.exp(expected[row]).sum() + 1)
            if chances.max() >= 0.95:
                break
            column = max(left, key=lambda place: expected[row, place])
            left.remove(column)
            one, two = (reduced(Volume(images[place].numpy(), np.eye(3))) for place in (row, column))
            expected[row, column] += 100 * module.compare(one, two).gain
    verified = Verified(model, nearest=3)
    found = verified.score(verified.describe(images[:3]), verified.describe(images))
    np.testing.assert_allclose(found.numpy(), expected, atol=2e-3)


def test_what_aligning_shows_is_kept(monkeypatch):
    one, two = (reduced(Volume(image.numpy(), np.eye(3))) for image in heads(2))
    first = module.gain(one, two)
    assert first == pytest.approx(compare(one, two).gain, abs=1e-4)
    monkeypatch.setattr(module, "compare", None)
    assert module.gain(one, two) == first


def test_one_stands_out_if_neither_another_nor_nobody_is_likely():
    assert stands_out(np.array([6.0, 0.0, -3.0]))
    assert not stands_out(np.array([6.0, 4.0, -3.0])), "another"
    assert not stands_out(np.array([1.0, -9.0, -9.0])), "nobody"
    assert stands_out(np.array([900.0, -900.0]))


def test_one_query_is_answered_as_among_others(model, quick):
    images = heads(4)
    verified = Verified(model, nearest=2)
    asked = verified.describe(images[:3])
    there = verified.describe(images)
    torch.testing.assert_close(verified.score(asked, there)[1:2], verified.score(asked[1:2], there))


def test_a_scan_with_nothing_in_it_is_not_laid_over(model):
    images = torch.zeros(2, 1, *SHAPE)
    verified = Verified(model)
    found = verified.score(verified.describe(images), verified.describe(images))
    assert found.isfinite().all()


@pytest.mark.parametrize("told", [None, Calibration(CALIBRATION.curve, 1, 1, 1, (1.0,), (1.0,))])
def test_a_model_that_is_not_calibrated_for_verification_is_refused(tmp_path, told):
    verified = Verified(saved(tmp_path / "m.safetensors", calibration=told))
    with pytest.raises(ParameterError, match="not calibrated") as failed:
        verified.score(verified.describe(heads(2)), verified.describe(heads(2)))
    assert any("mlfp calibrate" in hint for hint in failed.value.hints)


def test_it_keeps_the_contract_of_scorers(tmp_path, quick):
    check_scorer(Verified(saved(tmp_path / "model.safetensors", (28, 24)), nearest=2), spatial_dims=2)
