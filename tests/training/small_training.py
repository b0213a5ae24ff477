"""A training small enough for tests: scans in memory, an encoder with everything that could spoil a resume.

Also a script, so that a test can kill it: ``python small_training.py FOLDER CHANGES``, the changes as JSON.
"""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from mlfp import plugins
from mlfp.hookspecs import hookimpl
from mlfp.training.loop import TrainingResult, train
from mlfp.training.settings import TrainingSettings
from mlfp.types.scan_table import ScanTable

# The name by which the registry imports the encoder, whether this is imported or run.
NAME = "mlfp_tests_small_training"
sys.modules.setdefault(NAME, sys.modules[__name__])


class TinyEncoder(nn.Module):
    """Batch normalisation keeps running statistics and dropout draws at random: a resume must get both right."""

    def __init__(self, *, in_channels: int, spatial_dims: int, embedding_dim: int, dropout: float = 0.1) -> None:
        super().__init__()
        convolution = {2: nn.Conv2d, 3: nn.Conv3d}[spatial_dims]
        normal = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}[spatial_dims]
        self.body = nn.Sequential(
            convolution(in_channels, 8, 3, stride=2, padding=1), normal(8), nn.ReLU(), nn.Dropout(dropout), nn.Flatten()
        )
        self.head = nn.Linear(8 * 4**spatial_dims, embedding_dim)

    def forward(self, images: Tensor) -> Tensor:
        embedded: Tensor = self.head(self.body(images))
        return embedded


class BreakingLoss(nn.Module):
    """Gives nan when it is called the so-manieth time; the rehearsal before a training calls it once."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.after = after

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        self.after -= 1
        return embeddings.square().mean() * (float("nan") if self.after < 0 else 1.0)


class MemoryPlugin:
    @hookimpl
    def register_encoders(self, register: Any) -> None:
        register("tiny", f"{NAME}:TinyEncoder", summary="For tests.")
        register("tiny-2d", f"{NAME}:TinyEncoder", summary="For tests.", dims=(2,))

    @hookimpl
    def register_losses(self, register: Any) -> None:
        register("breaking", f"{NAME}:BreakingLoss", summary="For tests.")


@dataclasses.dataclass
class MemoryScans:
    """What training uses of a ScanSet."""

    table: ScanTable
    pixels: Tensor
    failures: tuple[()] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.pixels.shape[1:])

    @property
    def spatial_dims(self) -> int:
        return self.pixels.ndim - 2

    @property
    def spacing(self) -> tuple[float, ...]:
        return (1.0,) * self.spatial_dims

    @property
    def digest(self) -> str:
        return self.table.digest()

    def __len__(self) -> int:
        return len(self.table)

    def images(self, indices: np.ndarray) -> Tensor:
        return self.pixels[torch.as_tensor(indices)].clone()

    def select(self, indices: np.ndarray) -> MemoryScans:
        return MemoryScans(self.table.select(indices), self.pixels[torch.as_tensor(indices)])


def small_scans(subjects: int = 12, scans: int = 3, spatial_dims: int = 2) -> MemoryScans:
    """Each subject is a random picture; over each scan of it lies a mixture of patterns that all subjects share.

    The patterns outweigh the subject until a training has learned to look past them.
    """
    generator = torch.Generator().manual_seed(7)
    shape = (1, *(8,) * spatial_dims)
    faces = torch.randn(subjects, 1, *shape, generator=generator)
    patterns = torch.randn(2, math.prod(shape), generator=generator)
    mixtures = torch.randn(subjects * scans, 2, generator=generator) @ patterns
    pixels = faces + 1.5 * mixtures.reshape(subjects, scans, *shape)
    rows = [
        {"scan": f"s{subject:02}-{scan}", "subject": f"s{subject:02}"}
        for subject in range(subjects)
        for scan in range(scans)
    ]
    return MemoryScans(ScanTable(pd.DataFrame(rows)), pixels.reshape(-1, *shape))


def joined(one: MemoryScans, other: MemoryScans) -> MemoryScans:
    """One after the other, the other's subjects under names of their own."""
    frame = other.table.frame.assign(
        scan="other " + other.table.frame["scan"], subject="other " + other.table.frame["subject"]
    )
    table = ScanTable(pd.concat([one.table.frame, frame]))
    return MemoryScans(table, torch.cat([one.pixels, other.pixels]))


def small_settings(**changes: Any) -> TrainingSettings:
    """Settings of a training of 5 epochs; ``train`` and ``batch`` are changed key by key."""
    config: dict[str, Any] = {
        "encoder": {"use": "tiny/tiny", "embedding_dim": 8},
        "objective": [{"loss": "triplet", "miner": "batched-hard"}],
        "batch": {"subjects": 4, "scans": 2},
        "train": {"epochs": 5, "checkpoint_seconds": 0, "clip": 1.0},
    }
    for name, value in changes.items():
        merged = isinstance(value, dict) and name in ("train", "batch")
        config[name] = {**config[name], **value} if merged else value
    return TrainingSettings.parse(config)


def small_training(
    folder: Path,
    scans: MemoryScans | None = None,
    *,
    cut: int | None = None,
    seed: int = 3,
    observers: Any = (),
    **changes: Any,
) -> TrainingResult:
    """Train on the scans before ``cut``, two thirds of all unless given; validate on the rest."""
    scans = scans or small_scans()
    cut = cut or 2 * len(scans) // 3
    return train(
        small_settings(**changes),
        scans,  # type: ignore[arg-type]
        train_rows=np.arange(cut),
        val_rows=np.arange(cut, len(scans)),
        preprocess=[{"use": "resize", "shape": [8, 8]}],
        seed=seed,
        folder=folder,
        device="cpu",
        observers=observers,
    )


def load_plugin() -> None:
    """Offer the encoder to this process."""
    plugins.host().load("tiny", MemoryPlugin(), "mlfp-tests", "1.0")


if __name__ == "__main__":
    load_plugin()
    small_training(Path(sys.argv[1]), **json.loads(sys.argv[2]))
