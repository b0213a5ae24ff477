"""Embedding: each scan once, in order, whatever the batch size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from mlfp.errors import UsageError
from mlfp.fingerprints.embedding import batch_size_for, device_of, embed
from mlfp.fingerprints.model import FingerprintModel, describe, untrained
from mlfp.types.scan_table import ScanTable
from mlfp.types.spec import Spec


@dataclass
class Scans:
    """What embedding uses of a ScanSet."""

    table: ScanTable
    pixels: Tensor
    failures: tuple[()] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.pixels.shape[1:])

    @property
    def spatial_dims(self) -> int:
        return self.pixels.ndim - 2

    def __len__(self) -> int:
        return len(self.pixels)

    def images(self, indices: np.ndarray) -> Tensor:
        return self.pixels[torch.as_tensor(indices)]


def scans(count: int, shape: tuple[int, ...] = (1, 32, 32)) -> Scans:
    frame = pd.DataFrame({"scan": [str(number) for number in range(count)], "subject": "a"})
    return Scans(ScanTable(frame), torch.randn(count, *shape, generator=torch.Generator().manual_seed(1)))


def model(shape: tuple[int, ...] = (1, 32, 32)) -> FingerprintModel:
    name = {2: "compact-2d", 3: "compact-3d"}[len(shape) - 1]
    return untrained(describe(Spec(name), shape=shape, embedding_dim=8), seed=0)


@pytest.mark.parametrize("shape", [(1, 32, 32), (1, 32, 32, 32)])
def test_each_scan_once_in_order(shape: tuple[int, ...]) -> None:
    given, made = scans(7, shape), model(shape)
    made.train()
    told: list[tuple[str, int, int]] = []
    found = embed(made, given, batch_size=3, device="cpu", progress=lambda *what: told.append(what))  # type: ignore[arg-type]
    assert made.training, "the mode is put back"
    assert told == [("embedding", 3, 7), ("embedding", 6, 7), ("embedding", 7, 7)]
    alone = torch.cat([made.eval().embed(given.images(np.array([place]))) for place in range(7)])
    assert np.allclose(found.vectors, alone.detach().numpy(), atol=1e-5)
    assert (found.model, found.distance) == (made.digest, "cosine")
    assert found.vectors.dtype == np.float32


def test_bfloat16_is_near() -> None:
    given, made = scans(5), model()
    exact = torch.from_numpy(embed(made, given, device="cpu").vectors)  # type: ignore[arg-type]
    near = torch.from_numpy(embed(made, given, device="cpu", precision="bf16-mixed").vectors)  # type: ignore[arg-type]
    assert not torch.equal(exact, near)
    assert torch.cosine_similarity(exact, near).min() > 0.995


def test_scans_the_model_was_not_made_for() -> None:
    with pytest.raises(UsageError, match=r"made for images of shape \(1, 32, 32\), these have \(1, 32, 34\)"):
        embed(model(), scans(2, (1, 32, 34)), device="cpu")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="there is no scan"):
        embed(model(), scans(0), device="cpu")  # type: ignore[arg-type]


def test_a_scan_that_gives_no_finite_fingerprint_is_named() -> None:
    given = scans(3)
    given.pixels[1, 0, 4, 4] = float("inf")
    with pytest.raises(UsageError, match="1 of 3 fingerprints are not finite") as caught:
        embed(model(), given, device="cpu")  # type: ignore[arg-type]
    assert "'1'" in str(caught.value)


def test_devices() -> None:
    assert device_of("cpu").type == "cpu"
    with pytest.raises(UsageError, match="there is no device 'gpu7'"):
        device_of("gpu7")


def test_batches_are_small_for_volumes_and_bounded_for_pictures() -> None:
    cpu = torch.device("cpu")
    assert batch_size_for((1, 256, 256, 256), cpu) == 1
    assert batch_size_for((1, 64, 64, 64), cpu) == 8
    assert batch_size_for((1, 32, 32), cpu) == 256
