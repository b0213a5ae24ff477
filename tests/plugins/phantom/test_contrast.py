"""Contrasts look as they are named."""

from __future__ import annotations

import numpy as np
import pytest
from mlfp_plugins.phantom.anatomy import TISSUES, anatomy, tissue_maps
from mlfp_plugins.phantom.contrast import image
from mlfp_plugins.phantom.grid import Grid
from mlfp_plugins.phantom.settings import Settings

SETTINGS = Settings(spacing=4.0)


def brightness(modality: str) -> dict[str, float]:
    maps, body = tissue_maps(SETTINGS, 0, 0.0), anatomy(SETTINGS, 0)
    shown = image(maps, body, modality, 0.0, np.random.default_rng(0), Grid(4.0))
    return {name: float(shown[part > 0.6 * part.max()].mean()) for name, part in zip(TISSUES, maps, strict=True)}


@pytest.mark.parametrize(
    ("modality", "from_dark_to_bright"),
    [
        ("T1", ("ventricle", "grey", "deep", "white")),
        ("T2", ("white", "deep", "grey", "ventricle")),
        ("FLAIR", ("ventricle", "white", "deep", "grey")),
        ("PD", ("white", "deep", "grey")),
    ],
)
def test_order_of_tissues(modality: str, from_dark_to_bright: tuple[str, ...]) -> None:
    shown = brightness(modality)
    assert sorted(from_dark_to_bright, key=shown.__getitem__) == list(from_dark_to_bright)


def test_lesions_are_bright_on_flair_and_dark_on_t1() -> None:
    subject = next(number for number in range(9) if len(anatomy(SETTINGS, number).lesions) >= 3)
    maps, body = tissue_maps(SETTINGS, subject, 0.0), anatomy(SETTINGS, subject)
    for modality, sign in (("FLAIR", 1), ("T1", -1)):
        older, young = (image(maps, body, modality, age, np.random.default_rng(0), Grid(4.0)) for age in (10, 0))
        assert sign * float((older - young).sum()) > 0
