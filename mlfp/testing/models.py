"""The contract of published models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from mlfp.fingerprints.model import FingerprintModel
from mlfp.testing.contract import images, name_of, reported, require


def check_model(locate: Callable[[], Path]) -> None:
    """Check what is registered as a model: it gives the path of a file that can be loaded and used.

    :raises ContractError: there is no such file, it is no model, or its fingerprints are not finite.
    """
    name = name_of(locate)
    with reported(f"{name}()"):
        path = Path(locate())
    require(path.exists(), f"{name} names a path that is not there: {path}")
    with reported(f"loading {path}"):
        model = FingerprintModel.load(path)
        shape = (model.card.in_channels, *model.card.input_shape)
        with torch.no_grad():
            found = model.embed(images(2, shape[0], shape[1:]))
    require(found.ndim == 2 and len(found) == 2, f"{name} should give (B, D) fingerprints, gave {tuple(found.shape)}")
    require(bool(found.isfinite().all()), f"{name} gives fingerprints that are not finite")
