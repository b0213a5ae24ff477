from __future__ import annotations

import pytest
import timm as theirs
import torch

from mlfp.errors import ParameterError, UnknownComponentError
from mlfp.plugins import registry
from mlfp.types.spec import Spec

NETWORK = "test_resnet"  # timm's own network for tests: 0.5 million weights
ASKED = {"in_channels": 2, "spatial_dims": 2, "embedding_dim": 12}


def build(name: str, context: dict | None = None, **parameters):
    return registry().build("encoder", Spec(f"timm:{name}", parameters), **(context or ASKED))


@pytest.mark.parametrize("name", [NETWORK, "test_vit", "test_convnext"])
def test_arguments_are_called_as_timm_calls_them(name):
    sized = {"img_size": 48} if name == "test_vit" else {}
    assert build(name, **sized)(torch.rand(2, 2, 48, 48)).shape == (2, 12)


def test_its_own_parameters_are_passed_on():
    assert build(NETWORK, drop_rate=0.3).drop_rate == 0.3


def test_a_parameter_that_timm_refuses():
    with pytest.raises(ParameterError, match=r"cannot be made with .*unexpected keyword argument 'colour'"):
        build(NETWORK, colour="red")


@pytest.mark.parametrize("name", ["hf-hub:some/model", "local-dir:/tmp", "resnet-18"])
def test_only_its_list_counts(name, monkeypatch):
    monkeypatch.setattr(theirs, "create_model", None)  # asked for nothing, so nothing is downloaded
    with pytest.raises(UnknownComponentError, match="timm has no encoder"):
        build(name)


def test_a_misspelt_name_gets_the_nearest():
    with pytest.raises(UnknownComponentError, match=r"Did you mean: resnet18\b"):
        build("resnet1_8")


def test_it_has_encoders_only():
    with pytest.raises(UnknownComponentError, match="timm has no loss 'resnet18'"):
        registry().build("loss", Spec("timm:resnet18"))


def test_volumes_are_refused():
    with pytest.raises(ParameterError, match="works in 2D, and the scans are 3D"):
        build(NETWORK, {**ASKED, "spatial_dims": 3})


def test_local_weights(tmp_path):
    trained = build(NETWORK)
    torch.save(trained.state_dict(), tmp_path / "w.pth")
    fresh = build(NETWORK, pretrained=str(tmp_path / "w.pth")).eval()
    images = torch.rand(2, 2, 48, 48)
    assert torch.equal(fresh(images), trained.eval()(images))


def test_downloaded_weights_go_through_timm_s_loader(monkeypatch):
    trained = theirs.create_model(NETWORK, in_chans=3, num_classes=1000)
    monkeypatch.setattr("timm.models._builder.load_state_dict_from_hf", lambda *_, **__: trained.state_dict())
    fresh = build(NETWORK, pretrained=True)
    assert fresh.fc.out_features == 12
    assert torch.equal(fresh.layer1[0].conv1.weight, trained.layer1[0].conv1.weight)
    assert fresh.conv1[0].weight.shape[1] == 2
