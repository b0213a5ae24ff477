from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from mlfp.errors import ParameterError
from mlfp.libraries.weights import lay_weights, read_weights


def small(in_channels: int = 1, dims: int = 4) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(in_channels, 3, 3), nn.BatchNorm2d(3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, dims)
    )


@pytest.fixture
def trained() -> nn.Module:
    torch.manual_seed(3)
    made = small()
    nn.init.normal_(made[1].running_mean)
    return made.eval()


def same(one: nn.Module, other: nn.Module) -> bool:
    images = torch.rand(2, 1, 8, 8)
    return torch.allclose(one.eval()(images), other.eval()(images))


class TestReading:
    @pytest.mark.parametrize(
        "wrap",
        [
            lambda state: state,
            lambda state: {"state_dict": state, "epoch": 3},
            lambda state: {"model": state},
            lambda state: {f"module.{name}": item for name, item in state.items()},
            lambda state: {f"_orig_mod.module.{name}": item for name, item in state.items()},
            lambda state: {"state_dict": {f"module.{name}": item for name, item in state.items()}},
        ],
    )
    def test_what_training_scripts_write(self, trained, tmp_path, wrap):
        torch.save(wrap(trained.state_dict()), tmp_path / "w.pth")
        fresh = small()
        lay_weights(fresh, read_weights(tmp_path / "w.pth"), source="w.pth")
        assert same(fresh, trained)

    def test_safetensors(self, trained, tmp_path):
        save_file(trained.state_dict(), tmp_path / "w.safetensors")
        fresh = small()
        lay_weights(fresh, read_weights(tmp_path / "w.safetensors"), source="w")
        assert same(fresh, trained)

    def test_of_a_model_of_mlfp_s_the_encoder_is_taken(self, trained):
        state = {f"encoder.{name}": item for name, item in trained.state_dict().items()}
        state["projector.0.weight"] = torch.zeros(3, 3)
        fresh = small()
        lay_weights(fresh, state, source="model")
        assert same(fresh, trained)

    def test_no_code_is_run(self, tmp_path):
        class Mischief:
            def __reduce__(self):
                return os.mkdir, (str(tmp_path / "made"),)

        (tmp_path / "w.pth").write_bytes(pickle.dumps({"a": Mischief()}))
        with pytest.raises(ParameterError, match="cannot be read as weights"):
            read_weights(tmp_path / "w.pth")
        torch.save({"a": Mischief()}, tmp_path / "v.pth")
        with pytest.raises(ParameterError, match="cannot be read as weights"):
            read_weights(tmp_path / "v.pth")
        assert not (tmp_path / "made").exists()

    def test_a_missing_file(self):
        with pytest.raises(ParameterError, match="there is no file of weights at nowhere") as caught:
            read_weights(Path("nowhere"))
        assert caught.value.key == ("pretrained",)

    @pytest.mark.parametrize("name", ["w.safetensors", "w.pth"])
    @pytest.mark.parametrize("content", [b"", b"neither of them", b"\x80\x04"])
    def test_a_file_that_is_none(self, tmp_path, name, content):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ParameterError, match="cannot be read as weights"):
            read_weights(tmp_path / name)

    def test_a_file_without_weights(self, tmp_path):
        torch.save({"epoch": 3}, tmp_path / "w.pth")
        with pytest.raises(ParameterError, match="holds no weights by name"):
            read_weights(tmp_path / "w.pth")


class TestLaying:
    def test_a_last_layer_of_another_size_stays_as_drawn(self, trained):
        fresh = small(dims=7)
        drawn = fresh[4].weight.clone()
        lay_weights(fresh, trained.state_dict(), source="w")
        assert torch.equal(fresh[4].weight, drawn)
        assert torch.equal(fresh[0].weight, trained[0].weight)

    @pytest.mark.parametrize(("trained_on", "wanted"), [(3, 1), (1, 2), (3, 4)])
    def test_another_number_of_channels_answers_a_grey_image_alike(self, trained_on, wanted):
        source, fresh = small(trained_on), small(wanted)
        lay_weights(fresh, source.state_dict(), source="w")
        grey = torch.rand(2, 1, 8, 8)
        answers = source[0](grey.expand(-1, trained_on, -1, -1)), fresh[0](grey.expand(-1, wanted, -1, -1))
        assert torch.allclose(*answers, atol=1e-6)

    def test_of_another_network(self, trained):
        state = trained.state_dict()
        del state["1.bias"]
        state["1.weight"] = torch.zeros(5)
        with pytest.raises(ParameterError) as caught:
            lay_weights(small(), state, source="w.pth")
        assert "w.pth does not fit the encoder: 2 of 8 weights are missing or misshapen" in str(caught.value)
        assert "1.weight should be (3,), is (5,) in the file" in str(caught.value)

    def test_a_refused_file_changes_nothing(self, trained):
        fresh = small()
        before = fresh[0].weight.clone()
        with pytest.raises(ParameterError):
            lay_weights(fresh, {"0.weight": trained[0].weight.data}, source="w")
        assert torch.equal(fresh[0].weight, before)

    def test_old_files_count_no_batches(self, trained):
        state = {name: item for name, item in trained.state_dict().items() if "num_batches" not in name}
        fresh = small()
        lay_weights(fresh, state, source="w")
        assert same(fresh, trained)
