from __future__ import annotations

import pytest
import timm
import torch
import torchvision
from monai.networks.nets import resnet

from mlfp.errors import ParameterError
from mlfp.plugins import registry
from mlfp.types.spec import Spec


def build(name: str, channels: int = 1, **parameters):
    context = {"in_channels": channels, "spatial_dims": int(name[-2]), "embedding_dim": 16}
    return registry().build("encoder", Spec(name, parameters), **context).eval()


@pytest.mark.parametrize(("name", "width"), [("resnet18-2d", 512), ("resnet50-2d", 2048)])
def test_without_head_the_vector_is_the_averaged_features(name, width):
    with torch.no_grad():
        assert build(name, head=False)(torch.rand(2, 1, 64, 64)).shape == (2, width)


def test_stem_stride_sets_the_size_of_all_maps():
    for stride, expected in ((1, 32), (2, 16)):
        assert (
            build("resnet18-3d", width=0.125, stem_stride=stride).conv1(torch.rand(1, 1, 32, 32, 32)).shape[-1]
            == expected
        )


@pytest.mark.parametrize("depth", [10, 18, 34, 50])
def test_the_3d_nets_have_medicalnet_s_shortcuts(depth):
    name = f"resnet{depth}-3d"
    bias, shortcut = resnet.get_medicalnet_pretrained_resnet_args(depth)
    kinds = {
        type(block.downsample).__name__ for block in build(name, width=0.125).layer2 if block.downsample is not None
    }
    assert kinds == {"Sequential" if shortcut == "B" else "partial"}
    assert build(name, width=0.125).bias_downsample is bias


@pytest.mark.parametrize("name", ["resnet10-3d", "resnet18-3d", "resnet34-3d", "resnet50-3d"])
def test_medicalnet_s_weights_fit_whatever_the_channels_and_the_dimension(name, monkeypatch):
    """With weights made here in the form of the downloaded ones: one channel, no head, names that begin with module."""
    trained = build(name, width=0.125)
    state = {f"module.{key}": item for key, item in trained.state_dict().items() if not key.startswith("fc.")}
    asked = []
    monkeypatch.setattr(
        resnet, "get_pretrained_resnet_medicalnet", lambda depth, **_: asked.append(depth) or dict(state)
    )
    fresh = build(name, channels=3, width=0.125, pretrained=True)
    assert asked == [int(name[6:8])]
    assert torch.equal(fresh.layer4[-1].conv2.weight, trained.layer4[-1].conv2.weight)
    images = torch.rand(1, 1, 16, 16, 16)
    assert torch.allclose(fresh.conv1(images.expand(-1, 3, -1, -1, -1)), trained.conv1(images), atol=1e-5)


@pytest.mark.parametrize("name", ["resnet18-2d", "resnet18-3d"])
def test_local_weights(name, tmp_path):
    narrow = {"width": 0.125} if name.endswith("3d") else {}
    trained = build(name, **narrow)
    torch.save(trained.state_dict(), tmp_path / "w.pth")
    images = torch.rand(2, 1, *[32] * int(name[-2]))
    assert torch.equal(build(name, pretrained=str(tmp_path / "w.pth"), **narrow)(images), trained(images))


def test_weights_of_another_network_are_refused(tmp_path):
    torch.save(build("resnet18-3d", width=0.125).state_dict(), tmp_path / "w.pth")
    with pytest.raises(ParameterError, match="does not fit the encoder") as caught:
        build("resnet18-2d", pretrained=tmp_path / "w.pth")
    assert caught.value.key == ("pretrained",)


def test_torchvision_s_weights_for_imagenet_fit(tmp_path):
    """Whoever cannot download timm's may have torchvision's: their ResNets are the same network with the same names."""
    theirs = torchvision.models.resnet18(num_classes=1000).eval()
    torch.save(theirs.state_dict(), tmp_path / "resnet18.pth")
    images = torch.rand(2, 3, 64, 64)
    ours = build("resnet18-2d", channels=3, head=False, pretrained=str(tmp_path / "resnet18.pth"))
    theirs.fc = torch.nn.Identity()
    assert torch.allclose(ours(images), theirs(images), atol=1e-4)


def test_timm_s_weights_for_imagenet_come_through_its_loader(monkeypatch, tmp_path):
    """``pretrained: true`` with the download replaced by a file: timm reads, adapts to grey, and drops the classes."""
    trained = timm.create_model("resnet18").eval()
    torch.save(trained.state_dict(), tmp_path / "resnet18.pth")
    asked = []

    def loaded(url, *_, **__):
        asked.append(url)
        return torch.load(tmp_path / "resnet18.pth", weights_only=True)

    monkeypatch.setattr("timm.models._builder.load_state_dict_from_hf", loaded)
    monkeypatch.setattr("timm.models._builder.has_hf_hub", lambda *_, **__: True)
    encoder = build("resnet18-2d", head=False, pretrained=True)
    assert asked == ["timm/resnet18.a1_in1k"]
    grey = torch.rand(2, 1, 64, 64)
    trained.reset_classifier(0)
    assert torch.allclose(encoder(grey), trained(grey.expand(-1, 3, -1, -1)), atol=1e-4)


def test_medicalnet_s_weights_for_another_depth_are_refused_with_what_differs(tmp_path):
    state = {f"module.{key}": item for key, item in build("resnet10-3d", width=0.125).state_dict().items()}
    torch.save({"state_dict": state}, tmp_path / "resnet_10_23dataset.pth")
    with pytest.raises(ParameterError, match="weights are missing or misshapen") as caught:
        build("resnet18-3d", width=0.125, pretrained=str(tmp_path / "resnet_10_23dataset.pth"))
    assert "layer1.1.conv1.weight is not in the file" in str(caught.value)
