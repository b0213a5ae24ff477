from __future__ import annotations

import pytest
import torch
from mlfp_plugins.scorers.model import Model
from torch.nn import functional

from mlfp.errors import ParameterError
from mlfp.fingerprints.model import describe, untrained
from mlfp.testing.scorers import check_scorer
from mlfp.types.spec import Spec


@pytest.fixture(params=["cosine", "l2", "inner"])
def model(request, tmp_path):
    card = describe(
        Spec("compact-2d"), shape=(1, 16, 16), embedding_dim=8, distance=request.param, preprocess=[{"use": "zscore"}]
    )
    made = untrained(card, 0).eval()
    made.save(tmp_path / "model.safetensors")
    return tmp_path, made


def test_the_scores_are_the_models(model):
    folder, made = model
    images = torch.randn(9, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    scorer = Model(folder)
    found = scorer.score(scorer.describe(images[:3]), scorer.describe(images))
    with torch.inference_mode():
        vectors = made.embed(images)
    wanted = {
        "cosine": functional.cosine_similarity(vectors[:3, None], vectors[None], dim=2),
        "inner": vectors[:3] @ vectors.T,
        "l2": -(vectors[:3, None] - vectors[None]).norm(dim=2),
    }[made.card.distance]
    torch.testing.assert_close(found, wanted, atol=1e-3, rtol=1e-4)


def test_images_of_another_shape_are_told_the_chain(model):
    with pytest.raises(ParameterError, match=r"\(1, 16, 16\), these are \(1, 8, 8\)") as caught:
        Model(model[0]).describe(torch.zeros(1, 1, 8, 8))
    assert "zscore" in caught.value.hints[0]


def test_untrained_has_the_encoder_and_other_weights(model):
    folder, made = model
    images = torch.randn(3, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for weights in made.parameters():
            weights.add_(torch.randn_like(weights))
    made.save(folder / "trained.safetensors")
    trained, drawn = (Model(folder / "trained.safetensors", untrained=told).describe(images) for told in (False, True))
    assert trained.shape == drawn.shape
    assert not torch.allclose(trained, drawn, atol=1e-2)
    torch.testing.assert_close(drawn, Model(folder).describe(images))  # which has the weights drawn from that seed


def test_a_stage_without_weights_can_be_left_out(tmp_path):
    card = describe(Spec("posed-3d", {"spacing": 6.0}), shape=(1, 16, 20, 16), embedding_dim=8)
    made = untrained(card, 0).eval()
    with torch.no_grad():
        for weights in made.encoder.looks.parameters():
            weights.add_(0.02 * torch.randn(weights.shape, generator=torch.Generator().manual_seed(0)))
    made.save(tmp_path / "model.safetensors")
    images = torch.rand(2, 1, 16, 20, 16, generator=torch.Generator().manual_seed(0))
    found = Model(tmp_path, encoder={"rounds": 0, "places": 0}).describe(images)
    with torch.inference_mode():
        still = torch.eye(4).repeat(2, 1, 1)
        expected = made.encoder.eye(made.encoder.upright(images, still))
    torch.testing.assert_close(found, functional.normalize(expected, dim=1))
    assert not torch.allclose(found, Model(tmp_path).describe(images), atol=1e-4)


def test_a_parameter_with_weights_cannot_be_changed(model):
    with pytest.raises(ParameterError, match="weights do not fit") as caught:
        Model(model[0], encoder={"embedding_dim": 4}).describe(torch.zeros(1, 1, 16, 16))
    assert "mlfp train" in caught.value.hints[0]


@pytest.mark.parametrize(("encoder", "shape"), [("compact-2d", (28, 24)), ("compact-3d", (16, 20, 14))])
def test_it_keeps_the_contract_of_scorers(encoder, shape, tmp_path):
    untrained(describe(Spec(encoder), shape=(1, *shape), embedding_dim=8), 0).eval().save(
        tmp_path / "model.safetensors"
    )
    check_scorer(Model(tmp_path), spatial_dims=len(shape))
