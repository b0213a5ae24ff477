"""Models: what is saved is loaded, equal weights have equal digests, and errors say what does not fit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from mlfp.errors import MlfpError, ParameterError, UsageError
from mlfp.fingerprints.card import ModelCard
from mlfp.fingerprints.model import FingerprintModel, describe, untrained
from mlfp.types.spec import Spec


def card(shape: tuple[int, ...] = (1, 32, 32), **others: Any) -> ModelCard:
    return describe(Spec("compact-2d", {"grid": [2, 2]}), shape=shape, embedding_dim=8, spacing=(1.0, 2.0), **others)


def test_a_model_is_saved_with_all_it_takes_to_use_it(tmp_path: Path) -> None:
    preprocess = [{"use": "resize", "shape": [32, 32]}]
    model = untrained(card(preprocess=preprocess, distance="l2"), seed=5).eval()
    model.save(tmp_path / "deep" / "model.safetensors")
    found = FingerprintModel.load(tmp_path / "deep" / "model.safetensors")
    images = torch.randn(3, 1, 32, 32)
    assert torch.equal(found.embed(images), model.embed(images))
    assert found.card == model.card
    assert found.card.encoder == {"use": "mlfp/compact-2d", "grid": [2, 2]}
    assert found.digest == model.digest
    assert not found.training


def test_the_seed_alone_decides_the_first_weights() -> None:
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    one = untrained(card(), seed=1)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(9)
    assert untrained(card(), seed=1).digest == one.digest
    assert untrained(card(), seed=2).digest != one.digest


def test_the_digest_tells_what_changes_fingerprints() -> None:
    model = untrained(card(), seed=0)
    same = untrained(replace(card(), training="elsewhere"), seed=0)
    assert same.digest == model.digest
    assert untrained(card(distance="inner"), seed=0).digest != model.digest
    with torch.no_grad():
        next(model.parameters()).add_(1e-6)
    assert same.digest != model.digest


def test_a_projector_that_is_not_evaluated_is_no_part_of_it(tmp_path: Path) -> None:
    projector = {"dims": [32, 4], "norm": "layer", "activation": "gelu", "bare_last": True}
    model = untrained(card(projector=projector), seed=0).eval()
    images = torch.randn(3, 1, 32, 32)
    assert model(images).shape == (3, 4)
    assert model.embed(images).shape == (3, 8)
    model.save(tmp_path / "m")
    assert FingerprintModel.load(tmp_path / "m").digest == model.digest
    kept = untrained(card(projector=projector, evaluate_on="projector"), seed=0).eval()
    kept.save(tmp_path / "k")
    assert torch.equal(FingerprintModel.load(tmp_path / "k").embed(images), kept(images))


def test_deepbrainprints_projector() -> None:
    model = untrained(card(projector={"dims": [2048]}), seed=0)
    assert [type(layer).__name__ for layer in model.projector] == ["Linear", "BatchNorm1d", "ReLU"]  # type: ignore[union-attr]
    assert model.projector[0].bias is None  # type: ignore[index]


def test_an_encoder_that_fails_on_the_images_is_named() -> None:
    with pytest.raises(ParameterError, match="compact-2d") as caught:
        untrained(card(shape=(1, 8, 8, 8)), seed=0)
    assert caught.value.key[0] == "encoder"


def test_what_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no model at"):
        FingerprintModel.load(tmp_path / "m")
    (tmp_path / "m").write_bytes(b"no")
    with pytest.raises(UsageError, match="cannot be read as a model"):
        FingerprintModel.load(tmp_path / "m")
    save_file({"weight": torch.ones(2)}, tmp_path / "m")
    with pytest.raises(MlfpError, match="no card"):
        FingerprintModel.load(tmp_path / "m")


def test_weights_that_no_longer_fit_their_encoder(tmp_path: Path) -> None:
    model = untrained(card(), seed=0)
    model.card = replace(model.card, encoder={"use": "mlfp/compact-2d", "grid": [3, 3]})
    model.save(tmp_path / "m")
    with pytest.raises(UsageError, match="do not fit encoder mlfp/compact-2d"):
        FingerprintModel.load(tmp_path / "m")


def test_a_card_of_a_newer_mlfp() -> None:
    with pytest.raises(UsageError, match="has format 2, this mlfp reads format 1"):
        ModelCard.from_json(card().to_json().replace('"format": 1', '"format": 2'))


def test_a_calibration_beside_the_weights_is_the_models_unless_it_has_one(tmp_path: Path) -> None:
    model = untrained(card(), seed=5)
    model.save(tmp_path / "heads.safetensors")
    (tmp_path / "heads.calibration.json").write_text('{"format": 2}', encoding="utf-8")
    found = FingerprintModel.load(tmp_path / "heads.safetensors")
    assert found.card.calibration == {"format": 2}
    assert found.digest == model.digest
    model.card = replace(model.card, calibration={"format": 1})
    model.save(tmp_path / "heads.safetensors")
    assert FingerprintModel.load(tmp_path / "heads.safetensors").card.calibration == {"format": 1}
