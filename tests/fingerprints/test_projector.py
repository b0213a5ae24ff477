"""DeepBrainPrint's head: 512 features of ResNet-18, and 2048 numbers for the losses that are dropped after training."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional

from mlfp.fingerprints.model import FingerprintModel, describe, untrained
from mlfp.fingerprints.projector import Projector
from mlfp.types.spec import Spec


@pytest.fixture
def deepbrainprint() -> FingerprintModel:
    encoder = Spec("resnet18-2d", {"head": False})
    projector = {"dims": [2048], "norm": "batch", "activation": "relu"}
    return untrained(describe(encoder, shape=(1, 64, 64), embedding_dim=128, projector=projector), 0)


def test_the_fingerprint_is_the_512_averaged_features_without_a_random_layer(deepbrainprint: FingerprintModel) -> None:
    images = torch.rand(3, 1, 64, 64)
    model = deepbrainprint.eval()
    maps = model.encoder.forward_features(images)  # type: ignore[operator]
    assert not any(isinstance(layer, nn.Linear) for layer in model.encoder.modules())
    assert model.card.embedding_dim == 512
    assert torch.allclose(model.embed(images), maps.mean((2, 3)), atol=1e-6)


def test_the_losses_see_one_linear_map_without_bias_normalised_and_cut_at_0(deepbrainprint: FingerprintModel) -> None:
    images = torch.rand(4, 1, 64, 64)
    linear, norm, _ = deepbrainprint.projector  # type: ignore[misc]
    seen = deepbrainprint.train()(images)
    mapped = deepbrainprint.embed(images) @ linear.weight.T
    expected = functional.batch_norm(mapped, None, None, norm.weight, norm.bias, training=True).relu()
    assert linear.bias is None
    assert seen.shape == (4, 2048)
    assert torch.allclose(seen, expected, atol=1e-4)
    assert float(seen.detach().min()) == 0


def test_it_is_dropped_after_training(deepbrainprint: FingerprintModel, tmp_path: Path) -> None:
    deepbrainprint.eval().save(tmp_path / "model.safetensors")
    found = FingerprintModel.load(tmp_path / "model.safetensors")
    images = torch.rand(2, 1, 64, 64)
    assert found.projector is None
    assert torch.equal(found(images), deepbrainprint.embed(images))


@pytest.mark.parametrize(
    ("settings", "layers"),
    [
        ({"dims": [8, 4]}, ["Linear", "BatchNorm1d", "ReLU", "Linear", "BatchNorm1d", "ReLU"]),
        ({"dims": [8, 4], "bare_last": True}, ["Linear", "BatchNorm1d", "ReLU", "Linear"]),
        ({"dims": [8], "norm": None}, ["Linear", "ReLU"]),
        ({"dims": [8], "norm": "layer", "activation": None}, ["Linear", "LayerNorm"]),
    ],
)
def test_layers(settings: dict[str, object], layers: list[str]) -> None:
    made = Projector(6, **settings)  # type: ignore[arg-type]
    assert [type(layer).__name__ for layer in made] == layers
    for layer, after in zip(made, [*list(made)[1:], None], strict=True):
        if isinstance(layer, nn.Linear):
            assert (layer.bias is None) == isinstance(after, nn.BatchNorm1d | nn.LayerNorm)
