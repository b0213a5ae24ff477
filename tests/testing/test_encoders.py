"""The check of an encoder refuses what breaks its contract; test_contracts.py shows that it lets pass what keeps it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mlfp.testing import ContractError, check_encoder


class Averaging(nn.Module):
    """A good encoder to break."""

    def __init__(self, *, in_channels: int, spatial_dims: int, embedding_dim: int) -> None:
        super().__init__()
        self.convolution = {2: nn.Conv2d, 3: nn.Conv3d}[spatial_dims](in_channels, embedding_dim, 3)

    def forward(self, images):
        return self.convolution(images).square().flatten(2).mean(2)


class OnlyGrey(Averaging):
    def __init__(self, *, in_channels: int, spatial_dims: int, embedding_dim: int) -> None:
        super().__init__(in_channels=1, spatial_dims=spatial_dims, embedding_dim=embedding_dim)


class WithMap(Averaging):
    def forward(self, images):
        return self.convolution(images)


class OfBatch(Averaging):
    def forward(self, images):
        return super().forward(images - images.mean())


class Noisy(Averaging):
    def forward(self, images):
        return super().forward(images + torch.rand_like(images))


class Constant(Averaging):
    def forward(self, images):
        return super().forward(images) * 0


class Overwriting(Averaging):
    def forward(self, images):
        return super().forward(images.mul_(2))


class Idle(Averaging):
    def __init__(self, **asked: int) -> None:
        super().__init__(**asked)
        self.unused = nn.Linear(2, 2)


class Doubled(Averaging):
    def forward(self, images):
        return super().forward(images).double()


class Forgetful(Averaging):
    """Keeps something that decides its vectors outside its weights."""

    count = 0

    def __init__(self, **asked: int) -> None:
        super().__init__(**asked)
        Forgetful.count += 1
        self.factor = Forgetful.count

    def forward(self, images):
        return super().forward(images) * self.factor


class TestEncoder:
    @pytest.mark.parametrize("dims", [2, 3])
    def test_a_good_one(self, dims):
        check_encoder(Averaging, spatial_dims=dims)

    @pytest.mark.parametrize(
        ("broken", "said"),
        [
            (OnlyGrey, "raised RuntimeError"),
            (WithMap, r"should give \(B, D\) = \(3, 16\), gave"),
            (OfBatch, "depends on the others of its batch"),
            (Noisy, "gives another vector the second time"),
            (Constant, "gives different images the same vector"),
            (Overwriting, "changes the images"),
            (Idle, "weights that no gradient reaches: unused.weight"),
            (Doubled, "should give float32, gave torch.float64"),
            (Forgetful, "another one with the same weights gives other vectors"),
            (lambda **_: "no module", "should make a torch.nn.Module, made str"),
            (lambda **_: 1 / 0, "raised ZeroDivisionError"),
        ],
    )
    def test_broken_ones(self, broken, said):
        with pytest.raises(ContractError, match=said):
            check_encoder(broken, spatial_dims=2)
