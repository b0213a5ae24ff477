"""What augmenting a batch costs, beside MONAI.

    OMP_NUM_THREADS=1 python benchmarks/speed/augmentation.py

Process CPU time on one thread, medians of interleaved runs, on batches of two views of 24 volumes of 40 x 48 x 32 and
of 64 pictures of 224 x 224. MONAI's array transforms are called sample by sample, as in a data loader. Each row does
comparable, not equal work: libraries differ in what they draw and how they treat borders. Every image is changed,
except in "all, as trained", where both sides have the default probabilities of mlfp.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from _kept import keep
from monai import transforms
from torch import Tensor

from mlfp.training.augment import AugmentationChain
from mlfp.types.spec import Spec

RESULT = Path(__file__).parents[1] / "results" / "speed-augmentation.json"
BATCHES = {"3D 48 x 40x48x32": (48, 1, 40, 48, 32), "2D 64 x 224x224": (64, 1, 224, 224)}
Work = Callable[[Tensor], object]

ALWAYS = {f"{name}_probability": 1.0 for name in ("curve", "gamma", "gain", "shift", "negative")}
#: Ours at probability 1, and as trained.
OURS: dict[str, list[tuple[str, dict[str, float]]]] = {
    "affine": [("affine", {})],
    "warp and affine": [("identity-warp", {}), ("affine", {})],
    "intensity": [("intensity", ALWAYS)],
    "bias field": [("bias-field", {"probability": 1.0})],
    "noise": [("noise", {"probability": 1.0})],
    "all, as trained": [(name, {}) for name in ("identity-warp", "affine", "intensity", "bias-field", "noise")],
}


def ours(names: list[tuple[str, dict[str, float]]], dims: int) -> Work:
    chain = AugmentationChain.build(
        [Spec(name, parameters) for name, parameters in names],
        spatial_dims=dims,
        in_channels=1,
        spacing=(4.5,) * 3 if dims == 3 else (1.0, 1.0),
    )
    calls = iter(range(10**9))

    def work(batch: Tensor) -> Tensor:
        call, rows = next(calls), len(batch)
        subjects = [(0, call, "subject", row % (rows // 2)) for row in range(rows)]
        return chain(batch, keys=[(0, call, row) for row in range(rows)], subject_keys=subjects)

    return work


def theirs(name: str, dims: int) -> Work:
    affine: dict[str, Any] = {
        "rotate_range": (0.17,) * (3 if dims == 3 else 1),
        "translate_range": (5 / 4.5 if dims == 3 else 5,) * dims,
        "scale_range": (0.05,) * dims,
        "padding_mode": "zeros",
    }

    def intensity(p: float, negative: float) -> list[Any]:
        return [
            transforms.RandHistogramShift(num_control_points=6, prob=p),
            transforms.RandAdjustContrast(prob=p, gamma=(0.67, 1.5), invert_image=negative == 1),
            transforms.RandScaleIntensity(factors=0.2, prob=p),
            transforms.RandShiftIntensity(offsets=0.1, prob=p),
        ]

    if dims == 3:
        elastic = transforms.Rand3DElastic((3, 5), (50, 100), prob=1.0, **affine)
    else:
        elastic = transforms.Rand2DElastic((40, 40), (5, 8), prob=1.0, **affine)
    chains: dict[str, list[Any]] = {
        "affine": [transforms.RandAffine(prob=1.0, **affine)],
        "warp and affine": [elastic],
        "intensity": intensity(1.0, 1.0),
        "bias field": [transforms.RandBiasField(prob=1.0)],
        "noise": [transforms.RandGaussianNoise(prob=1.0, std=0.05)],
        "all, as trained": [
            elastic,
            *intensity(0.5, 0.2),
            transforms.RandBiasField(prob=0.3),
            transforms.RandGaussianNoise(prob=0.3, std=0.05),
        ],
    }
    chain = transforms.Compose(chains[name])

    def work(batch: Tensor) -> Tensor:
        return torch.stack([torch.as_tensor(chain(image)) for image in batch])

    return work


def milliseconds(works: Sequence[Work], batch: Tensor, repeats: int) -> list[float]:
    """Median CPU time of each, run in turn so that a busy minute falls on all."""
    taken: list[list[float]] = [[] for _ in works]
    for turn in range(repeats + 1):
        for place, work in enumerate(works):
            started = time.process_time()
            work(batch)
            if turn:  # the first compiles and warms up
                taken[place].append(1000 * (time.process_time() - started))
    return [statistics.median(times) for times in taken]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--out", type=Path, default=RESULT)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for title, shape in BATCHES.items():
        batch, dims = torch.rand(shape, generator=torch.Generator().manual_seed(0)), len(shape) - 2
        for name, specs in OURS.items():
            mine, monai = milliseconds([ours(specs, dims), theirs(name, dims)], batch, arguments.repeats)
            rows.append(
                [title, name, round(mine), round(monai), f"{monai / mine:.1f}x", round(1000 * len(batch) / mine)]
            )
            print(*rows[-1], sep="\t", file=sys.stderr, flush=True)
    columns = ["batch", "augmentation", "mlfp, ms CPU", "MONAI, ms CPU", "ratio", "mlfp, images/s a thread"]
    keep(arguments.out, "Augmentation", columns, rows)


if __name__ == "__main__":
    main()
