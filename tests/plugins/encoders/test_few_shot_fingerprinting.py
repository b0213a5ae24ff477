"""Few-Shot Fingerprinting's encoders, as printed and as released: shapes, sizes, and which layers they are made of."""

from __future__ import annotations

import pytest
import torch
import torchvision
from monai.networks.nets.resnet import ResNetBlock, ResNetBottleneck
from torch import nn

from mlfp.errors import ParameterError
from mlfp.plugins import registry
from mlfp.types.spec import Spec


def build(name: str, channels: int = 1, **parameters):
    context = {"in_channels": channels, "spatial_dims": int(name[-2]), "embedding_dim": 128}
    return registry().build("encoder", Spec(name, parameters), **context).eval()


def size(encoder: nn.Module) -> int:
    return sum(item.numel() for item in encoder.parameters())


def test_printed_2d_is_resnet50_whose_final_output_is_the_fingerprint():
    encoder = build("fsf-printed-2d", channels=3)
    assert size(encoder) == size(torchvision.models.resnet50(num_classes=128))
    linear = [item for item in encoder.modules() if isinstance(item, nn.Linear)]
    assert [(item.in_features, item.out_features) for item in linear] == [(2048, 128)]


def test_printed_3d_has_bottlenecks_and_one_linear_layer():
    encoder = build("fsf-printed-3d")
    assert [len(getattr(encoder, f"layer{number}")) for number in (1, 2, 3, 4)] == [3, 4, 6, 3]
    assert {type(block) for block in encoder.layer3} == {ResNetBottleneck}
    assert (encoder.fc.in_features, encoder.fc.out_features) == (2048, 128)
    assert size(encoder) == 46_417_344


def test_released_2d_is_resnet34_with_1000_units_relu_and_128():
    torch.manual_seed(0)
    encoder, theirs = build("fsf-released-2d", channels=3), torchvision.models.resnet34().eval()
    assert size(encoder) == size(theirs) + 1000 * 128 + 128
    theirs.load_state_dict(encoder.trunk.state_dict())
    images = torch.rand(2, 3, 64, 64)
    expected = nn.functional.linear(theirs(images).relu(), encoder.head.weight, encoder.head.bias)
    assert torch.allclose(encoder(images), expected, atol=1e-5)
    assert bool((encoder.trunk.layer4[-1].bn2.weight == 1).all()), "begins as torchvision's, not as timm's"


def test_released_3d_has_15_9_million_weights_in_basic_blocks_of_half_width():
    encoder = build("fsf-released-3d")
    assert size(encoder) == 15_910_496
    assert [len(getattr(encoder, f"layer{number}")) for number in (1, 2, 3, 4)] == [3, 4, 6, 3]
    assert {type(block) for block in encoder.layer1} == {ResNetBlock}
    assert [getattr(encoder, f"layer{number}")[0].conv1.out_channels for number in (1, 2, 3, 4)] == [32, 64, 128, 256]
    assert (encoder.fc.in_features, encoder.fc.out_features) == (256, 128)


@pytest.mark.parametrize(("stride", "side"), [(1, 16), (2, 8)])
def test_the_released_stem_keeps_every_voxel_unless_told_otherwise(stride, side):
    chosen = {} if stride == 1 else {"stem_stride": 2}
    assert build("fsf-released-3d", **chosen).conv1(torch.rand(1, 1, 16, 16, 16)).shape[-1] == side


@pytest.mark.parametrize(("name", "dims"), [("fsf-released-2d", 3), ("fsf-released-3d", 2)])
def test_other_dimensions_are_refused(name, dims):
    with pytest.raises(ParameterError, match=f"encoder {name} works in"):
        registry().build("encoder", Spec(name), in_channels=1, spatial_dims=dims, embedding_dim=128)
