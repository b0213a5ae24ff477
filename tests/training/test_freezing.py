"""Freezing by name: what stands still, what moves, and what each policy of batch normalisation does."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from mlfp.errors import ParameterError
from mlfp.fingerprints.model import FingerprintModel, describe, untrained
from mlfp.plugins import registry
from mlfp.training import checkpoint
from mlfp.training.freezing import freeze
from mlfp.training.optimizers import build_optimizer
from mlfp.training.settings import TrainingSettings
from mlfp.training.train_settings import FreezeSettings, TrainSettings
from mlfp.types.spec import Spec

RELEASED = {
    "names": ["conv1", "layer1", "layer2"],
    "keep": ["layer[12].0.bn[12]"],
    "batch_norm": "statistics",
}


def model_of(encoder: str, size: int = 32, **others: Any) -> FingerprintModel:
    return untrained(describe(Spec.parse(encoder), shape=(1, size, size), embedding_dim=8, **others), 0)


def trained_names(model: nn.Module) -> set[str]:
    return {name for name, item in model.named_parameters() if item.requires_grad}


def moved(model: FingerprintModel, settings: dict[str, Any]) -> dict[str, bool]:
    """Of every weight and statistic, whether one step of a training changes it."""
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):  # timm's last norm of a block begins at 0, and stops every gradient
            nn.init.ones_(layer.weight)
    before = {name: item.clone() for name, item in model.encoder.state_dict().items()}
    still = freeze(model, FreezeSettings(**settings))
    optimizer = build_optimizer(model, [], TrainSettings.model_validate({"optimizer": {"use": "sgd", "lr": 1.0}}))
    model.train()
    for layer in still:
        layer.eval()
    model(torch.rand(4, 1, 32, 32, generator=torch.Generator().manual_seed(0))).square().sum().backward()
    optimizer.step()
    return {name: not torch.equal(item, before[name]) for name, item in model.encoder.state_dict().items()}


def test_as_deepbrainprint_released_it() -> None:
    """By hand from its code: stem convolution and two stages frozen, but for two norms of each stage's first block."""
    model = model_of("resnet18-2d")
    found = moved(model, RELEASED)
    frozen = {
        name for name, _ in model.encoder.named_parameters() if name.split(".")[0] in {"conv1", "layer1", "layer2"}
    }
    kept = {f"layer{stage}.0.bn{norm}.{own}" for stage in (1, 2) for norm in (1, 2) for own in ("weight", "bias")}
    assert kept < frozen
    assert trained_names(model.encoder) == {name for name, _ in model.encoder.named_parameters()} - (frozen - kept)
    assert {"bn1.weight", "bn1.bias"} < trained_names(model.encoder), "the stem's norm was never frozen"
    assert not any(found[name] for name in frozen - kept)
    assert all(found[name] for name in found if "running" in name), "every norm goes on by its batches"


@pytest.mark.parametrize(
    ("policy", "statistics", "weights"), [("frozen", False, False), ("statistics", True, False), ("train", True, True)]
)
def test_policies_of_batch_normalisation(policy: str, statistics: bool, weights: bool) -> None:
    found = moved(model_of("resnet18-2d"), {"names": ["conv1", "bn1", "layer1"], "batch_norm": policy})
    inside = {name: item for name, item in found.items() if name.split(".")[0] in {"bn1", "layer1"}}
    assert {item for name, item in inside.items() if "running_" in name} == {statistics}
    assert {item for name, item in inside.items() if "bn" in name and name.endswith(("weight", "bias"))} == {weights}
    assert not any(item for name, item in inside.items() if "conv" in name)
    assert found["layer2.0.bn1.running_mean"], "what is not named goes on"
    assert found["layer2.0.conv1.weight"]


def test_frozen_normalisation_makes_an_image_independent_of_its_batch() -> None:
    model = model_of("resnet18-2d")
    still = freeze(model, FreezeSettings(names=["conv1", "bn1"]))
    model.train()
    for layer in still:
        layer.eval()
    images = torch.rand(4, 1, 32, 32)
    stem = nn.Sequential(model.encoder.conv1, model.encoder.bn1)  # type: ignore[arg-type]
    assert torch.allclose(stem(images)[:1], stem(images[:1]), atol=1e-6)


def test_frozen_weights_get_no_state_of_the_optimizer() -> None:
    model = model_of("resnet18-2d")
    freeze(model, FreezeSettings(names=["*"], keep=["fc"]))
    optimizer = build_optimizer(model, [], TrainSettings())
    model(torch.rand(2, 1, 32, 32)).sum().backward()
    optimizer.step()
    assert len(optimizer.state) == 2
    assert all(item.grad is None for name, item in model.encoder.named_parameters() if not name.startswith("fc."))


def test_a_wholly_frozen_encoder_still_trains_a_projector() -> None:
    model = model_of("compact-2d", projector={"dims": [4]})
    freeze(model, FreezeSettings(names=["*"]))
    assert {name.split(".")[0] for name in trained_names(model)} == {"projector"}
    with pytest.raises(ParameterError, match="nothing is left to train"):
        freeze(model_of("compact-2d"), FreezeSettings(names=["*"]))


@pytest.mark.parametrize(
    ("encoder", "settings", "what", "hint"),
    [
        ("resnet18-2d", {"names": ["layer1", "layr2"]}, "'layr2' names no weight", "Did you mean: layer2"),
        ("resnet18-2d", {"names": ["bn2"]}, "'bn2' names no weight", "Did you mean: layer1.0.bn2, layer1.1.bn2"),
        ("resnet18-2d", {"names": ["block"]}, "'block' names no weight", "There is: conv1, bn1, layer1"),
        (
            "resnet18-2d",
            {"names": ["layer1"], "keep": ["layer2"]},
            "'layer2' names nothing that is",
            "There is: layer1",
        ),
    ],
)
def test_a_name_that_stands_for_nothing(encoder: str, settings: dict[str, Any], what: str, hint: str) -> None:
    with pytest.raises(ParameterError, match=what) as caught:
        freeze(model_of(encoder), FreezeSettings(**settings))
    assert hint in str(caught.value)
    assert caught.value.key[:2] == ("train", "freeze")


def test_names_are_looked_up_before_any_training(tmp_path: Path) -> None:
    encoder = {"use": "resnet18-2d", "pretrained": str(tmp_path / "looked up without it")}
    settings = TrainingSettings.parse({"encoder": encoder, "train": {"freeze": ["conv1", "layer5"]}})
    before = torch.random.get_rng_state()
    with pytest.raises(ParameterError, match="'layer5' names no weight of the encoder") as caught:
        settings.check(registry(), in_channels=1, spatial_dims=2)
    assert caught.value.key == ("train", "freeze", "names", 1)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("written", ["body", ["body"], {"names": ["body"]}])
def test_how_it_may_be_written(written: Any) -> None:
    settings = TrainSettings.model_validate({"freeze": written})
    assert settings.freeze == FreezeSettings(names=["body"])


class TestTraining:
    """The whole loop, on the small training of its own tests."""

    @staticmethod
    def train(small: ModuleType, folder: Path, freeze: Any, **others: Any) -> Any:
        return small.small_training(folder, train={"freeze": freeze, "patience": None}, **others)

    def test_the_frozen_part_ends_as_it_began(self, small: ModuleType, tmp_path: Path) -> None:
        found = self.train(small, tmp_path, ["body"])
        begun = untrained(found.model.card, 3).state_dict()
        changed = {name for name, item in found.model.state_dict().items() if not torch.equal(item, begun[name])}
        assert changed == {"encoder.head.weight", "encoder.head.bias"}

    @pytest.mark.parametrize("policy", ["frozen", "statistics", "train"])
    def test_a_resumed_training_equals_an_uninterrupted_one(
        self, small: ModuleType, tmp_path: Path, policy: str
    ) -> None:
        chosen = {"names": ["body"], "batch_norm": policy}
        whole = self.train(small, tmp_path / "whole", chosen)
        with pytest.raises(KeyboardInterrupt):
            self.train(small, tmp_path / "cut", chosen, observers=[_Stop()])
        assert (tmp_path / "cut" / checkpoint.FILE).exists()
        resumed = self.train(small, tmp_path / "cut", chosen)
        assert resumed.model.digest == whole.model.digest
        assert resumed.curves.read_text() == whole.curves.read_text()

    def test_the_checkpoint_holds_no_state_for_frozen_weights(self, small: ModuleType, tmp_path: Path) -> None:
        with pytest.raises(KeyboardInterrupt):
            self.train(small, tmp_path, ["body"], observers=[_Stop()])
        kept = [name for name in load_file(tmp_path / checkpoint.FILE) if "exp_avg_sq" in name]
        assert len(kept) == 2  # weight and bias of the head

    def test_what_freezes_nothing_leaves_the_identity_of_a_training(self, small: ModuleType) -> None:
        assert "freeze" not in small.small_settings().decisive()["train"]
        assert small.small_settings(train={"freeze": ["body"]}).decisive()["train"]["freeze"]["batch_norm"] == "frozen"


class _Stop:
    def run_started(self, *_: Any) -> None:
        pass

    def step_finished(self, step: int, values: Any) -> None:
        if step == 2:
            raise KeyboardInterrupt

    def run_finished(self, *_: Any) -> None:
        pass
