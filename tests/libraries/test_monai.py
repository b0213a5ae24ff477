from __future__ import annotations

import pytest
import torch
from torch import nn

from mlfp.errors import ParameterError, UnknownComponentError
from mlfp.libraries.monai import Vectors, networks
from mlfp.plugins import registry
from mlfp.types.spec import Spec

SIZES = {2: (32, 32), 3: (32, 32, 32)}


def build(name: str, dims: int = 3, **parameters):
    context = {"in_channels": 2, "spatial_dims": dims, "embedding_dim": 12}
    return registry().build("encoder", Spec(f"monai:{name}", parameters), **context).eval()


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("resnet10", {"widen_factor": 0.25, "conv1_t_stride": 2}),  # n_input_channels, num_classes, feed_forward
        ("ResNet", {"block": "basic", "layers": [1, 1, 1, 1], "block_inplanes": [4, 8, 8, 8]}),
        ("DenseNet", {"init_features": 8, "growth_rate": 4, "block_config": [1, 1]}),  # in_channels, out_channels
        ("SEResNet50", {"layers": [1, 1, 1, 1]}),  # num_classes, from a base
        ("UNet", {"channels": [4, 8], "strides": [2]}),  # a map
        ("HighResNet", {}),
    ],
)
def test_arguments_are_called_as_each_network_calls_them(name, parameters, dims):
    with torch.no_grad():
        assert build(name, dims, **parameters)(torch.rand(2, 2, *SIZES[dims])).shape == (2, 12)


def test_nothing_is_downloaded_unasked(monkeypatch):
    """EfficientNet's own default is to download."""
    monkeypatch.setattr("torch.hub.load_state_dict_from_url", None)
    monkeypatch.setattr("monai.networks.nets.efficientnet._load_state_dict", None)
    assert build("EfficientNetBN", 2, model_name="efficientnet-b0")(torch.rand(1, 2, 32, 32)).shape == (1, 12)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (torch.ones(2, 5), (2, 5)),
        (torch.ones(2, 5, 1, 1), (2, 5)),
        (torch.ones(2, 5, 4, 3, 2), (2, 5)),
        (torch.ones(2, 9, 5), (2, 5)),
        ((torch.ones(2, 5), [torch.ones(2, 9, 5)]), (2, 5)),
        ([(torch.ones(2, 5, 3, 3),)], (2, 5)),
    ],
)
def test_whatever_a_network_gives_becomes_vectors(given, expected):
    class Network(nn.Module):
        def forward(self, images):
            return given

    found = Vectors(Network())(torch.zeros(2, 1, 4, 4))
    assert found.shape == expected
    assert bool((found == 1).all())


def test_a_parameter_that_a_network_has_not():
    with pytest.raises(ParameterError) as caught:
        build("resnet10", widen_facto=0.5)
    assert "encoder monai:resnet10 has no parameter 'widen_facto'" in str(caught.value)
    assert "Did you mean: widen_factor?" in str(caught.value)


def test_a_misspelt_network_gets_the_nearest():
    with pytest.raises(UnknownComponentError, match=r"Did you mean: .*DenseNet121"):
        build("DensNet121")


def test_it_has_encoders_only():
    with pytest.raises(UnknownComponentError, match="MONAI has no miner 'DenseNet121'"):
        registry().build("miner", Spec("monai:DenseNet121"))


def test_every_listed_network_is_one():
    assert {"resnet18", "resnet50", "DenseNet121", "SEResNet50", "EfficientNetBN", "ViT"} <= set(networks())


def test_local_weights(tmp_path):
    trained = build("resnet10", widen_factor=0.25)
    torch.save({"state_dict": trained.network.state_dict()}, tmp_path / "w.pth")
    fresh = build("resnet10", widen_factor=0.25, pretrained=str(tmp_path / "w.pth"))
    images = torch.rand(2, 2, *SIZES[3])
    assert torch.equal(fresh(images), trained(images))


def test_weights_of_an_encoder_of_mlfp_s(tmp_path):
    """What a model of mlfp's holds under ``encoder.network.``."""
    trained = build("resnet10", widen_factor=0.25)
    torch.save({f"encoder.{name}": item for name, item in trained.state_dict().items()}, tmp_path / "w.pth")
    fresh = build("resnet10", widen_factor=0.25, pretrained=str(tmp_path / "w.pth"))
    images = torch.rand(2, 2, *SIZES[3])
    assert torch.equal(fresh(images), trained(images))
