from __future__ import annotations

import numpy as np
import pytest
import torch
from mlfp_plugins.scorers.model import Model
from mlfp_plugins.scorers.verified import Verified

from mlfp.data.small import reduced
from mlfp.fingerprints.model import describe, untrained
from mlfp.leaks.verify import compare
from mlfp.testing.scorers import check_scorer
from mlfp.types.spec import Spec
from mlfp.types.volume import Volume

SHAPE = (48, 40)


@pytest.fixture
def model(tmp_path):
    untrained(describe(Spec("compact-2d"), shape=(1, *SHAPE), embedding_dim=8), 0).eval().save(
        tmp_path / "m.safetensors"
    )
    return str(tmp_path / "m.safetensors")


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


def test_pairs_that_look_alike_are_raised_by_what_aligning_shows_and_the_rest_are_the_models(model):
    images = heads(3)
    plain = Model(model)
    expected = plain.score(plain.describe(images[:2]), plain.describe(images))
    alike = float(expected.flatten().sort().values[3:5].mean())  # two of six lie above
    verified = Verified(model, above=alike, weight=3.0)
    found = verified.score(verified.describe(images[:2]), verified.describe(images))
    for row, column in (expected >= alike).nonzero().tolist():
        one, two = (reduced(Volume(images[place].numpy(), np.eye(3))) for place in (row, column))
        expected[row, column] += 3.0 * compare(one, two).gain
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_a_scan_with_nothing_in_it_keeps_the_models_score(model):
    images = torch.zeros(2, 1, *SHAPE)
    verified, plain = Verified(model, above=0.0), Model(model)
    found = verified.score(verified.describe(images), verified.describe(images))
    torch.testing.assert_close(found, plain.score(plain.describe(images), plain.describe(images)))


def test_it_keeps_the_contract_of_scorers(tmp_path):
    untrained(describe(Spec("compact-2d"), shape=(1, 28, 24), embedding_dim=8), 0).eval().save(
        tmp_path / "model.safetensors"
    )
    check_scorer(Verified(str(tmp_path / "model.safetensors"), above=0.99), spatial_dims=2)
