from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mlfp_plugins.encoders.compact import gradient_magnitude, space_to_depth, standardised

from mlfp.errors import ParameterError
from mlfp.plugins import registry
from mlfp.types.spec import Spec


def build(name: str, dims: int, channels: int = 1, **parameters):
    context = {"in_channels": channels, "spatial_dims": dims, "embedding_dim": 16}
    return registry().build("encoder", Spec(name, parameters), **context)


def slow_gradient_magnitude(image: torch.Tensor) -> torch.Tensor:
    """One (I, J) image, pixel by pixel."""
    rows, columns = image.shape
    made = torch.zeros_like(image)
    for i in range(rows):
        for j in range(columns):
            down = image[min(i + 1, rows - 1), j] - image[max(i - 1, 0), j]
            right = image[i, min(j + 1, columns - 1)] - image[i, max(j - 1, 0)]
            made[i, j] = (down**2 + right**2).sqrt()
    return made


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("compact-2d", (92, 112)),
        ("compact-2d", (17, 33)),
        ("compact-2d", (18, 18)),
        ("compact-2d", (128, 20)),
        ("compact-3d", (40, 48, 32)),
        ("compact-3d", (17, 23, 19)),
        ("compact-3d", (16, 16, 16)),
    ],
)
def test_images_of_any_reasonable_size(name, shape):
    encoder = build(name, len(shape))
    assert encoder(torch.rand(2, 1, *shape)).shape == (2, 16)


def test_weights_do_not_depend_on_the_size_of_the_image():
    state = build("compact-2d", 2).state_dict()
    assert {name: item.shape for name, item in state.items()} == {
        name: item.shape for name, item in build("compact-2d", 2).state_dict().items()
    }


@pytest.mark.parametrize("name", ["compact-2d", "compact-3d"])
def test_brightness_and_contrast_change_nothing(name):
    dims = int(name[-2])
    encoder = build(name, dims).eval()
    images = torch.rand(2, 1, *[24] * dims)
    assert torch.allclose(encoder(images), encoder(images * 7 + 3), atol=1e-3)


def test_an_image_without_contrast_is_no_trouble():
    encoder = build("compact-3d", 3)
    images = torch.full((2, 1, 24, 24, 24), 5.0, requires_grad=True)
    encoder(images).sum().backward()
    assert bool(images.grad.isfinite().all())


@pytest.mark.parametrize(
    ("name", "asked", "fitting"), [("compact-2d", 3, "resnet50-3d"), ("resnet18-3d", 2, "compact-2d")]
)
def test_other_dimensions_are_refused_with_the_encoders_that_fit(name, asked, fitting):
    with pytest.raises(
        ParameterError, match=f"encoder {name} works in {5 - asked}D, and the scans are {asked}D"
    ) as caught:
        build(name, asked)
    assert fitting in str(caught.value)
    assert name not in caught.value.hints[0]


class TestParts:
    @settings(deadline=None, max_examples=20)
    @given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**30))
    def test_gradient_magnitude_equals_a_slow_reference(self, rows, columns, seed):
        images = torch.randn(2, 3, rows, columns, generator=torch.Generator().manual_seed(seed))
        expected = torch.stack([torch.stack([slow_gradient_magnitude(one) for one in image]) for image in images])
        assert torch.allclose(gradient_magnitude(images), expected, atol=2e-3)

    def test_inverting_contrast_leaves_the_gradient_magnitude(self):
        images = torch.rand(1, 1, 6, 7, 8)
        assert torch.allclose(gradient_magnitude(images), gradient_magnitude(1 - images), atol=1e-5)

    def test_standardised_has_mean_0_and_variance_1(self):
        made = standardised(torch.rand(3, 2, 9, 9) * 50 + 4)
        assert torch.allclose(made.mean((2, 3)), torch.zeros(3, 2), atol=1e-4)
        assert torch.allclose(made.var((2, 3), unbiased=False), torch.ones(3, 2), atol=1e-3)

    def test_space_to_depth_equals_pixel_unshuffle(self):
        images = torch.rand(2, 3, 6, 8)
        assert torch.equal(space_to_depth(images), torch.nn.functional.pixel_unshuffle(images, 2))

    def test_space_to_depth_keeps_every_voxel(self):
        images = torch.arange(4 * 6 * 2.0).view(1, 1, 4, 6, 2)
        made = space_to_depth(images)
        assert made.shape == (1, 8, 2, 3, 1)
        assert torch.equal(made.flatten().sort().values, images.flatten())
        assert made[0, :, 1, 2, 0].tolist() == images[0, 0, 2:4, 4:6, 0:2].flatten().tolist()

    def test_space_to_depth_continues_an_odd_side_by_its_last_voxel(self):
        made = space_to_depth(torch.tensor([[[[1.0, 2.0, 3.0]] * 2]]))
        assert made.shape == (1, 4, 1, 2)
        assert made[0, :, 0, 1].tolist() == [3, 3, 3, 3]
