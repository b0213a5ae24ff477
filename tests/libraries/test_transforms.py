"""MONAI's and torchvision's transforms by name: checked, and fed from the chain's own streams."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from mlfp.errors import ParameterError, UnknownComponentError
from mlfp.libraries import monai, torchvision
from mlfp.plugins import registry
from mlfp.seeds import torch_generator
from mlfp.training.augment import AugmentationChain
from mlfp.training.batches import Batches
from mlfp.training.settings import BatchSettings, TrainingSettings
from mlfp.types.scan_table import ScanTable
from mlfp.types.spec import Spec

MONAI = [
    Spec("monai:RandBiasField", {"prob": 1.0}),
    Spec("monai:RandGaussianNoise", {"prob": 1.0, "std": "0.5"}),
    Spec("monai:RandAffine", {"prob": 1.0, "rotate_range": 0.3}),
]
TORCHVISION = [Spec("torchvision:RandomRotation", {"degrees": 30}), Spec("torchvision:GaussianNoise", {"sigma": 0.2})]


class Scans:
    """What batches use of a ScanSet."""

    def __init__(self, dims: int, subjects: int = 6) -> None:
        rows = [(f"{subject}-{scan}", f"{subject}") for subject in range(subjects) for scan in range(2)]
        self.table = ScanTable(pd.DataFrame(rows, columns=["scan", "subject"]))
        one = torch.rand((1, 9, 8, 7)[: dims + 1], generator=torch_generator("scans"))
        self.pixels = one.expand(len(rows), *one.shape)  # all alike: what differs has been drawn

    def images(self, rows: Any) -> Tensor:
        return self.pixels[torch.as_tensor(np.asarray(rows))]


def batches(specs: list[Spec], dims: int, seed: int = 0) -> Batches:
    scans: Any = Scans(dims)
    chain = AugmentationChain.build(specs, spatial_dims=dims, in_channels=1, spacing=(1.0,) * dims)
    settings = BatchSettings(subjects=4, scans=2, views=2)
    device, layout = torch.device("cpu"), torch.contiguous_format
    return Batches(scans, settings, chain, seed=seed, device=device, memory_format=layout)


CHAINS = [(MONAI, 2), (MONAI, 3), (TORCHVISION, 2)]


@pytest.mark.parametrize(("specs", "dims"), CHAINS)
def test_draws_differ_between_rows_views_steps_epochs_and_seeds(specs: list[Spec], dims: int) -> None:
    made = batches(specs, dims)
    images = [made.batch(0, 0).images, made.batch(1, 0).images, made.batch(0, 1).images]
    images.append(batches(specs, dims, seed=1).batch(0, 0).images)
    flat = torch.cat(images).flatten(1)
    assert len(flat) == 4 * 16
    assert len({tuple(row.tolist()) for row in flat}) == len(flat)


@pytest.mark.parametrize(("specs", "dims"), CHAINS)
def test_a_seed_gives_the_same_batch_whatever_threads_order_and_global_state(specs: list[Spec], dims: int) -> None:
    first = batches(specs, dims).batch(1, 0).images
    threads = torch.get_num_threads()
    other = batches(specs, dims)
    try:
        torch.set_num_threads(3)
        other.batch(0, 0)  # as another worker would have
        np.random.random(7)
        torch.rand(3)
        before = torch.random.get_rng_state(), np.random.get_state()[1].copy()
        second = other.batch(1, 0).images
        assert torch.equal(before[0], torch.random.get_rng_state())
        assert (before[1] == np.random.get_state()[1]).all()
    finally:
        torch.set_num_threads(threads)
    torch.testing.assert_close(first, second, atol=1e-6, rtol=0)


def test_every_transform_of_monai_is_of_one_image() -> None:
    known = monai.transforms()
    assert {"RandBiasField", "RandCoarseDropout", "Rand3DElastic", "RandSmoothFieldAdjustContrast"} <= set(known)
    assert not {"RandBiasFieldd", "LoadImage", "Transform", "RandSpatialCrop"} & set(known)
    assert {"RandomPerspective", "ColorJitter"} <= set(torchvision.transforms())


def test_the_engine_s_spacing_is_not_taken_for_the_library_s() -> None:
    given = {"magnitude_range": [1, 2]}
    with pytest.raises(ParameterError, match="needs a value for spacing"):
        registry().build("augmentation", Spec("monai:Rand2DElastic", given), spacing=(3.0, 3.0))


@pytest.mark.parametrize(
    ("use", "parameters", "says"),
    [
        ("monai:RandBiasFields", {}, "no transform 'RandBiasFields'"),
        ("monai:RandBiasField", {"probe": 1}, "has no parameter 'probe'"),
        ("monai:RandBiasField", {"degree": "high"}, "degree should be int"),
        ("torchvision:RandomTurn", {}, "no transform 'RandomTurn'"),
        ("torchvision:RandomRotation", {}, "needs a value for degrees"),
    ],
)
def test_mistakes_are_told_before_a_training(use: str, parameters: dict[str, Any], says: str) -> None:
    spec = {"use": use, **parameters}
    settings = TrainingSettings.parse({"encoder": "compact-2d", "augmentations": ["noise", spec]})
    with pytest.raises(ParameterError, match=says) as caught:
        settings.check(registry(), in_channels=1, spatial_dims=2)
    assert caught.value.key[:2] == ("augmentations", 1)


def test_pictures_only() -> None:
    settings = TrainingSettings.parse({"encoder": "compact-3d", "augmentations": ["torchvision:ColorJitter"]})
    with pytest.raises(ParameterError, match="works in 2D, and the scans are 3D"):
        settings.check(registry(), in_channels=1, spatial_dims=3)
    with pytest.raises(UnknownComponentError, match="torchvision has no encoder"):
        registry().find("encoder", "torchvision:resnet18").load()
