"""Where a layer's cells lie: against the voxels that a cell is made of, found by asking for its gradient."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from mlfp.explain.gradcam import saliency
from mlfp.explain.layers import find_layer
from mlfp.explain.placing import Lattice, placing
from mlfp.fingerprints.model import describe, untrained
from mlfp.types.spec import Spec


class Strided(nn.Module):
    """Halved three times: by a convolution, a pooling, and neighbours that become channels; and once unpadded."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(4, 3, 3, padding=1, stride=2)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.wide = nn.Conv2d(3, 3, (5, 3), dilation=(1, 2), padding=(0, 2))
        self.same = nn.Conv2d(3, 2, 3, padding="same")

    def forward(self, images: Tensor) -> Tensor:
        return self.same(self.wide(self.pool(self.first(functional.pixel_unshuffle(images, 2))))).flatten(1)


def middle_of(model: nn.Module, layer: nn.Module, shape: tuple[int, int], cell: tuple[int, int]) -> np.ndarray:
    """The middle of the box of pixels that a cell depends on, -1 to 1 from edge to edge."""
    images = torch.randn(1, 1, *shape, generator=torch.Generator().manual_seed(0)).requires_grad_()
    found: list[Tensor] = []
    handle = layer.register_forward_hook(lambda _, __, output: found.append(output))
    model(images)
    handle.remove()
    (gradient,) = torch.autograd.grad(found[0][0, :, cell[0], cell[1]].sum(), images)
    places = np.argwhere(gradient[0, 0].numpy() != 0)
    return (places.min(0) + places.max(0) + 1) / np.array(shape) - 1


@pytest.mark.parametrize("name", ["first", "wide", "same"])
def test_a_cell_lies_in_the_middle_of_the_pixels_that_it_is_made_of(name: str) -> None:
    model, shape = Strided().eval(), (128, 96)
    found, lattice = find_layer(model, model, torch.zeros(1, 1, *shape), name)
    assert found == name
    layer = model.get_submodule(name)
    for cell in ((4, 4), (3, 6)):
        lies = np.array(lattice.first) + np.array(lattice.step) * cell
        # A maximum passes one of its nine on: the box is uncertain by what it did not choose.
        assert np.allclose(lies, middle_of(model, layer, shape, cell), atol=1e-6 if name == "first" else 10 / 96)


def test_shortcuts_and_layers_that_say_nothing() -> None:
    assert Lattice.even((4, 8)) == Lattice((-0.75, -0.875), (0.5, 0.25))
    before = Lattice.even((8, 8))
    assert before.after(nn.Conv2d(1, 1, 2, stride=2)) == Lattice.even((4, 4))
    halved = before.after(nn.Conv2d(1, 1, 3, stride=2, padding=1))
    assert halved == Lattice((-0.875, -0.875), (0.5, 0.5)) == before.after(nn.Conv2d(1, 1, 1, stride=2))


def test_maps_are_laid_where_their_cells_lie() -> None:
    images = torch.zeros(1, 1, 16, 12)
    ramp = torch.arange(4.0)[:, None].expand(4, 3)
    fine = placing(Lattice((-15 / 16, -11 / 12), (8 / 16, 8 / 12)), (4, 3), images, None)(ramp[None])[0]
    # The first cell lies over the first row, the next four rows on; beyond the last its value goes on.
    assert np.allclose(fine[:, 0], np.minimum(np.arange(16) / 4, 3), atol=1e-5)


def test_a_halving_convolution_s_map_lies_over_the_pixel_that_it_saw() -> None:
    class Halved(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.map = nn.Conv2d(1, 1, 3, stride=2, padding=1, bias=False)
            nn.init.zeros_(self.map.weight)
            nn.init.ones_(self.map.weight[:, :, 1, 1])

        def forward(self, images: Tensor) -> Tensor:
            return self.map(images).mean((2, 3))

    images = torch.zeros(1, 1, 20, 20)
    images[0, 0, 8, 12] = 1
    model = Halved().eval()
    found = saliency(model, model, images)
    assert np.unravel_index(found.mean.argmax(), (20, 20)) == (8, 12)
    assert found.inside(np.ones((20, 20), bool)) == (pytest.approx(1), pytest.approx(1))


def test_an_encoder_that_turns_the_head_says_where_its_eye_saw_it() -> None:
    """A point moved by the pose network's answer lies in the map where the eye saw it."""
    spec = Spec("posed-3d", {"spacing": 4.0, "rounds": 1, "places": 0})
    model = untrained(describe(spec, shape=(1, 44, 52, 44), embedding_dim=4), seed=0).eval()
    for look in model.encoder.looks:
        nn.init.constant_(look.head[-1].bias, 0.5)  # turned, a little larger, and shifted
    images = torch.zeros(1, 1, 44, 52, 44)
    images[0, 0, 12:32, 12:40, 12:32] = 1
    images[0, 0, 20, 24, 26] = 50
    upright = model.encoder.upright(images, model.encoder.find(images))[0, 0]
    seen = np.unravel_index(int(upright.argmax()), upright.shape)
    points = model.encoder.seen_at(images, "eye.body.12")
    back = points[0, 20, 24, 26].numpy()
    assert np.abs((2 * np.array(seen) + 1) / np.array(upright.shape) - 1 - back).max() < 2 / 40
    found = saliency(model, model.embed, images)
    inside, even = found.inside(np.ones(images.shape[2:], bool))
    assert (inside, even) == (pytest.approx(1), pytest.approx(1))
    assert found.mean[~(points[0].abs() <= 1).all(-1).numpy()].max(initial=0) == 0
    assert model.encoder.seen_at(images, "looks.0.body.0") is None
