"""posed-3d: first finds how the head lies, then looks at it from where every head looks alike."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Self

import torch
from torch import Tensor, nn

from mlfp.errors import ParameterError
from mlfp.seeds import torch_generator
from mlfp.training.maps import AffineMap
from mlfp.training.tones import background
from mlfp_plugins.encoders.compact import space_to_depth, standardised
from mlfp_plugins.encoders.dimensions import require_dims
from mlfp_plugins.encoders.poses import grid_mm, matrix_of, mean_of, read
from mlfp_plugins.encoders.structure_3d import Structure3d, self_similarity

#: Poses are found on coarse images of this shape: voxel size in mm of the first look and of the closer one.
POSE_SHAPE, POSE_SPACINGS = (32, 40, 32), (6.0, 4.5)
#: The head is looked at on a finer one: voxel size in mm, for a head of middling size, and shape.
CANONICAL_SPACING, CANONICAL_SHAPE = 4.0, (40, 48, 40)
#: What the pose network's seven outputs are multiplied by: radians, the logarithm of the size, mm.
_TURN, _SIZE, _SHIFT = 0.2, 0.1, 20.0
#: Channels of its map that is flattened.
_NARROW = 8


class PoseNet(nn.Module):
    """How a head lies, from a coarse image: self-similarity, four convolutions, flattened, seven numbers."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after, stride in ((56, 24, 1), (24, 64, 2), (64, 96, 1), (96, 96, 1)):
            layers += [
                nn.Conv3d(before, after, 3, stride=stride, padding=1, bias=False),
                nn.BatchNorm3d(after),
                nn.ReLU(inplace=True),
            ]
        self.body = nn.Sequential(*layers, nn.Conv3d(96, _NARROW, 1))
        cells = (POSE_SHAPE[0] // 4) * (POSE_SHAPE[1] // 4) * (POSE_SHAPE[2] // 4)
        self.head = nn.Sequential(nn.Linear(_NARROW * cells, 128), nn.ReLU(), nn.Linear(128, 7))
        # It begins with the answer "as it should".
        nn.init.zeros_(self.head[-1].weight)  # type: ignore[arg-type]
        nn.init.zeros_(self.head[-1].bias)  # type: ignore[arg-type]
        self.to(memory_format=torch.channels_last_3d)

    def forward(self, images: Tensor) -> Tensor:
        """``(B, 1, 32, 40, 32)`` to (B, 4, 4): from mm about the middle of the brain to mm about the image's middle."""
        with torch.no_grad():
            seen = standardised(images)
            seen = space_to_depth(torch.cat([seen, self_similarity(seen) - 0.5], dim=1))
        found = self.head(self.body(seen.contiguous(memory_format=torch.channels_last_3d)).flatten(1)).float()
        return matrix_of(found[:, :3] * _TURN, found[:, 3] * _SIZE, found[:, 4:] * _SHIFT)


class Posed3d(nn.Module):
    """The head is turned upright, brought to one size and to the middle, and then looked at.

    The pose is found by a first look and a closer one, each repeated on what the pose so far shows; then it is the mean
    of what closer looks from several places near it say. It is no part of the fingerprint's gradient: it is learnt from
    poses that are known (benchmarks/pretrain).

    :param embedding_dim: D.
    :param spacing: voxel size of the images in mm.
    :param rounds: how often each look is repeated; 0 leaves the looks out.
    :param places: from how many places near the pose it is looked for at last; 0 leaves that out. Without either the
        head is looked at as it lies, about the middle of the image.
    """

    def __init__(self, *, embedding_dim: int, spacing: float, rounds: int, places: int) -> None:
        super().__init__()
        self.spacing = spacing
        self.rounds = rounds
        self.places = places
        self.looks = nn.ModuleList(PoseNet() for _ in POSE_SPACINGS).requires_grad_(False).eval()
        self.eye = Structure3d(embedding_dim=embedding_dim, shape=CANONICAL_SHAPE, grid=(5, 6, 5), narrow=64)
        self._held: Tensor | None = None

    def forward(self, images: Tensor) -> Tensor:
        """``(B, C, I, J, K)`` to ``(B, D)``, not normalised."""
        with torch.no_grad():
            poses = self.find(images)
        embedded: Tensor = self.eye(self.upright(images, poses))
        return embedded

    def train(self, mode: bool = True) -> Self:
        """The eye learns; the pose networks stay as they are, their batch statistics too."""
        super().train(mode)
        self.looks.eval()
        return self

    def find(self, images: Tensor) -> Tensor:
        """(B, 4, 4) from mm about the middle of the brain to mm about the middle of ``(B, C, I, J, K)`` images.

        Of several channels the mean is looked at.
        """
        if self._held is not None:
            return self._held.expand(len(images), 4, 4)
        airless = images - background(images).view(*images.shape[:2], 1, 1, 1)
        airless = airless.mean(1, keepdim=True)
        pose = torch.eye(4, device=images.device).repeat(len(images), 1, 1)
        for look, spacing in zip(self.looks, POSE_SPACINGS, strict=True):
            grid = grid_mm(POSE_SHAPE, spacing, images.device)
            for _ in range(self.rounds):
                pose = pose @ look(read(airless, self.spacing, pose, grid))
        near = [pose @ step for step in _near(self.places).to(images.device)]
        # The grid and the network are now those of the closer look.
        return mean_of([place @ look(read(airless, self.spacing, place, grid)) for place in near]) if near else pose

    @contextlib.contextmanager
    def held(self, images: Tensor) -> Iterator[None]:
        """While the block runs, whatever is looked at is seen in the pose of ``(1, C, I, J, K)`` images."""
        with torch.no_grad():
            self._held = self.find(images)
        try:
            yield
        finally:
            self._held = None

    def seen_at(self, images: Tensor, layer: str) -> Tensor | None:
        """Where the eye sees each voxel of ``(B, C, I, J, K)`` images, for explaining it (interfaces/encoder.py)."""
        if not layer.startswith("eye."):
            return None
        back = torch.linalg.inv(self.find(images))
        voxels = grid_mm(images.shape[2:], self.spacing, images.device)
        move = AffineMap(back[:, :3, :3], back[:, :3, 3])
        half = torch.tensor(CANONICAL_SHAPE, device=images.device) * CANONICAL_SPACING / 2
        return move(voxels.expand(len(images), *voxels.shape)) / half

    def upright(self, images: Tensor, poses: Tensor, shape: tuple[int, ...] = CANONICAL_SHAPE) -> Tensor:
        """The images as they look in these poses, ``(B, C, *shape)``."""
        airless = images - background(images).view(*images.shape[:2], 1, 1, 1)
        return read(airless, self.spacing, poses, grid_mm(shape, CANONICAL_SPACING, images.device))


def _near(places: int) -> Tensor:
    """(places, 4, 4) small moves, always the same: up to 4 degrees about each axis, 3 %, and 4 mm along each."""
    numbers = torch.rand(places, 7, generator=torch_generator("near poses")) * 2 - 1
    return matrix_of(numbers[:, :3] * 0.07, numbers[:, 3] * 0.03, numbers[:, 4:] * 4)


def posed_3d(
    *,
    in_channels: int,
    spatial_dims: int,
    embedding_dim: int,
    spacing: float = 3.0,
    rounds: int = 2,
    places: int = 8,
) -> nn.Module:
    """Two pose networks, and ``structure-3d`` on what they bring upright.

    :param in_channels: any number.
    :param spatial_dims: 3.
    :param embedding_dim: D.
    :param spacing: voxel size of the images in mm, the same along all axes.
    :param rounds: how often each pose network looks.
    :param places: from how many places near the pose it is looked for at last; with 0 rounds and 0 places the head is
        looked at as it lies, which shows what the pose networks add.
    :raises ParameterError: ``spatial_dims`` is not 3, or a number is negative, or the spacing 0.
    """
    require_dims("posed-3d", 3, spatial_dims)
    if not spacing > 0:
        raise ParameterError(f"spacing should be above 0, got {spacing}", key=("spacing",))
    for name, value in (("rounds", rounds), ("places", places)):
        if value < 0:
            raise ParameterError(f"{name} should not be negative, got {value}", key=(name,))
    return Posed3d(embedding_dim=embedding_dim, spacing=spacing, rounds=rounds, places=places)
