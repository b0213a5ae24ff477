"""Files of weights: they decide a run by what is in them, and a model with weights of its own needs them no more."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from mlfp.errors import ParameterError
from mlfp.fingerprints.model import FingerprintModel, describe, untrained
from mlfp.libraries.pretrained import by_content, without
from mlfp.plugins import registry
from mlfp.training.settings import TrainingSettings
from mlfp.types.spec import Spec


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """Of a small 3D ResNet, as MedicalNet's are saved: below state_dict, every name with DataParallel's prefix."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        encoder = registry().build(
            "encoder", Spec("resnet10-3d", {"width": 0.125}), in_channels=1, spatial_dims=3, embedding_dim=8
        )
    state = {f"module.{name}": item for name, item in encoder.state_dict().items() if not name.startswith("fc.")}
    torch.save({"state_dict": state}, tmp_path / "resnet_10.pth")
    return tmp_path / "resnet_10.pth"


def decisive(path: Path) -> object:
    settings = TrainingSettings.parse({"encoder": {"use": "resnet10-3d", "width": 0.125, "pretrained": str(path)}})
    return settings.decisive()["encoder"]["pretrained"]


def test_another_file_at_the_same_path_is_another_training(weights: Path) -> None:
    first = decisive(weights)
    torch.save({"state_dict": {"module.conv1.weight": torch.zeros(1)}}, weights)
    assert decisive(weights) != first


def test_the_same_file_in_another_folder_is_the_same_training(weights: Path) -> None:
    first = decisive(weights)
    (weights.parent / "moved").mkdir()
    assert decisive(weights.rename(weights.parent / "moved" / weights.name)) == first


def test_a_file_that_is_not_there_is_told_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="there is no file of weights at") as caught:
        decisive(tmp_path / "none.pth")
    assert caught.value.key == ("encoder", "pretrained")


def test_parts_count_and_what_is_no_path_stays() -> None:
    given = {"use": "a", "pretrained": True, "encoder": {"use": "b", "pretrained": "no such file"}}
    with pytest.raises(ParameterError) as caught:
        by_content(given)
    assert caught.value.key == ("encoder", "encoder", "pretrained")
    assert by_content({"use": "a", "pretrained": True}) == {"use": "a", "pretrained": True}
    assert without(given) == {"use": "a", "encoder": {"use": "b"}}


def test_a_saved_model_needs_the_file_no_more(weights: Path) -> None:
    spec = Spec("resnet10-3d", {"width": 0.125, "pretrained": str(weights)})
    model = untrained(describe(spec, shape=(1, 16, 16, 16), embedding_dim=8), 0).eval()
    stored = torch.load(weights, weights_only=True)["state_dict"]["module.layer4.0.conv2.weight"]
    assert torch.equal(model.encoder.layer4[0].conv2.weight, stored)  # type: ignore[union-attr, index]
    model.save(weights.parent / "model.safetensors")
    weights.unlink()
    found = FingerprintModel.load(weights.parent / "model.safetensors")
    images = torch.rand(2, 1, 16, 16, 16)
    assert torch.equal(found.embed(images), model.embed(images))
    assert found.digest == model.digest
    with safe_open(weights.parent / "model.safetensors", framework="pt") as file:
        assert str(weights.parent) not in file.metadata()["mlfp"], "no path of its maker's machine"
