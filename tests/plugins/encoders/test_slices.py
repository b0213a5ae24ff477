"""Several slices, one vector: equal to encoding each slice by itself, in both layouts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mlfp_plugins.preprocessors.slice import Slice

from mlfp.errors import ParameterError
from mlfp.plugins import registry
from mlfp.types.spec import Spec
from mlfp.types.volume import Volume


def build(dims: int, in_channels: int, **parameters):
    context = {"in_channels": in_channels, "spatial_dims": dims, "embedding_dim": 8}
    chosen = {"encoder": {"use": "compact-2d"}, **parameters}
    return registry().build("encoder", Spec("slices", chosen), **context).eval()


@pytest.mark.parametrize("pool", ["mean", "max"])
@pytest.mark.parametrize("channels", [1, 2])
def test_pictures_whose_channels_are_slices(pool, channels):
    images = torch.rand(3, 4 * channels, 24, 20)
    encoder = build(2, 4 * channels, pool=pool, channels=channels)
    each = torch.stack([encoder.encoder(images[:, s * channels : (s + 1) * channels]) for s in range(4)])
    expected = each.mean(0) if pool == "mean" else each.max(0).values
    assert torch.allclose(encoder(images), expected, atol=1e-5)


@pytest.mark.parametrize("axis", ["axial", "coronal", "sagittal"])
@pytest.mark.parametrize("channels", [1, 2])
def test_volumes_slice_by_slice(axis, channels):
    place = ["sagittal", "coronal", "axial"].index(axis) + 2
    images = torch.rand(2, channels, 20, 22, 24)
    encoder = build(3, channels, axis=axis)
    each = [encoder.encoder(images.select(place, number)) for number in range(images.shape[place])]
    assert torch.allclose(encoder(images), torch.stack(each).mean(0), atol=1e-5)


def test_the_preprocessor_lays_slices_out_as_the_encoder_takes_them():
    volume = Volume(np.random.default_rng(0).random((2, 30, 30, 30), dtype=np.float32), np.eye(4), "s")
    together = torch.from_numpy(Slice(count=3, step=4)(volume).data)[None]
    encoder = build(2, 6, channels=2)
    each = [torch.from_numpy(Slice(position=place / 29)(volume).data)[None] for place in (11, 15, 19)]
    assert torch.allclose(encoder(together), torch.stack([encoder.encoder(one) for one in each]).mean(0), atol=1e-5)


def test_the_order_of_slices_does_not_matter():
    images = torch.rand(2, 5, 20, 20)
    encoder = build(2, 5)
    assert torch.allclose(encoder(images), encoder(images.flip(1)), atol=1e-5)


def test_it_takes_any_encoder_with_its_parameters():
    encoder = build(2, 3, encoder={"use": "resnet18-2d", "head": False})
    assert encoder(torch.rand(2, 3, 32, 32)).shape == (2, 512)
    assert build(2, 3, encoder="compact-2d")(torch.rand(2, 3, 32, 32)).shape == (2, 8)


@pytest.mark.parametrize(
    ("in_channels", "parameters", "what", "key"),
    [
        (5, {"channels": 2}, "5 channels are no whole number of slices with 2 each", ("channels",)),
        (4, {"encoder": {"use": "compakt-2d"}}, "unknown encoder 'compakt-2d'", ("encoder", "use")),
        (4, {"encoder": {"use": "compact-2d", "gird": [2, 2]}}, "no parameter 'gird'", ("encoder", "gird")),
        (4, {"encoder": {"use": "resnet10-3d"}}, "works in 3D", ("encoder", "use")),
        (4, {"encoder": 3}, "expected a component's name", ("encoder",)),
    ],
)
def test_what_cannot_work(in_channels, parameters, what, key):
    with pytest.raises(ParameterError, match=what) as caught:
        build(2, in_channels, **parameters)
    assert caught.value.key == key


def test_the_part_is_checked_before_anything_is_built():
    spec = Spec("slices", {"encoder": {"use": "compact-2d", "gird": [2, 2]}})
    with pytest.raises(ParameterError, match="no parameter 'gird'") as caught:
        registry().check("encoder", spec, ("in_channels", "spatial_dims", "embedding_dim"))
    assert caught.value.key == ("encoder", "gird")
