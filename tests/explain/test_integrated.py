"""Integrated gradients against what they must be: exact for a line, complete, blind to what the model is blind to."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from scipy import ndimage
from torch import Tensor, nn

from mlfp.cli.app import application
from mlfp.errors import UsageError
from mlfp.explain.drawing import lit
from mlfp.explain.integrated import SMOOTH, STEPS, blurred, integrate, integrated
from mlfp.fingerprints.model import describe, untrained
from mlfp.types.spec import Spec

SHAPES = {2: (24, 20), 3: (16, 20, 12)}


def _random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def _head(dims: int, seed: int = 0) -> Tensor:
    """(1, 1, *shape): noise in the middle half of each axis, air around it."""
    images = torch.zeros(1, 1, *SHAPES[dims])
    inner = tuple(slice(length // 4, -(length // 4)) for length in SHAPES[dims])
    images[(0, 0, *inner)] = 1 + _random(*images[(0, 0, *inner)].shape, seed=seed).abs()
    return images


def _model(dims: int, encoder: str, **parameters: object):
    spec = Spec(encoder, parameters)
    return untrained(describe(spec, shape=(1, *SHAPES[dims]), embedding_dim=6), seed=0).eval()


def test_a_linear_output_credits_each_voxel_with_its_weight_times_its_way() -> None:
    begin, end, weights = (_random(1, 2, 6, 5, seed=seed) for seed in range(3))
    found = integrate(lambda batch: (batch * weights).flatten(1).sum(1) + 3, begin, end, steps=1)
    assert torch.allclose(found, weights * (end - begin), atol=1e-6)


def test_a_quadratic_output_is_integrated_exactly_by_the_midpoint_rule() -> None:
    begin, end = _random(1, 1, 4, 3), _random(1, 1, 4, 3, seed=1)
    found = integrate(lambda batch: batch.square().flatten(1).sum(1), begin, end, steps=2)
    assert torch.allclose(found, end.square() - begin.square(), atol=1e-5)


@pytest.mark.parametrize(("dims", "encoder"), [(2, "compact-2d"), (3, "compact-3d"), (3, "structure-3d")])
def test_credits_add_up_to_the_rise_of_the_similarity(dims: int, encoder: str) -> None:
    small = {"shape": SHAPES[3], "grid": (2, 2, 2)} if encoder == "structure-3d" else {"grid": [2] * dims}
    model, images = _model(dims, encoder, **small), _head(dims)
    found = integrated(model, model.embed, images)
    own, start = (model.embed(item)[0].detach() for item in (images, blurred(images)))
    assert found.rise == pytest.approx(1 - float(torch.cosine_similarity(own, start, dim=0)), abs=1e-5)
    assert found.signed is not None
    assert float(found.signed.sum()) == pytest.approx(found.rise, rel=0.05)
    assert found.accounted == pytest.approx(1, abs=0.05)
    # The map: neighbours' credits added up, and what raises the similarity kept.
    shown = np.maximum(ndimage.gaussian_filter(found.signed, SMOOTH), 0)
    assert np.allclose(found.mean, shown / shown.max(), atol=1e-6)
    assert found.mean.shape == SHAPES[dims]


def test_from_air_an_encoder_that_sees_no_brightness_credits_nothing() -> None:
    """All the way is the scan, dimmed: why air is not where the way begins unless asked."""
    model, images = _model(3, "structure-3d", shape=SHAPES[3], grid=(2, 2, 2)), _head(3)
    found = integrated(model, model.embed, images, baseline="air")
    assert found.signed is not None
    assert found.rise > 0
    assert abs(found.accounted) < 0.01


def test_what_the_model_does_not_see_is_credited_with_nothing() -> None:
    def corner(batch: Tensor) -> Tensor:
        seen = batch[:, 0, 6:10, 6:10].flatten(1)
        return torch.cat([seen, torch.ones_like(seen[:, :1])], dim=1)

    found = integrated(nn.Identity(), corner, _head(2))
    assert found.signed is not None
    hidden = found.signed.copy()
    hidden[6:10, 6:10] = 0
    assert not hidden.any()
    assert found.signed.any()


def test_one_bright_voxel_leaves_the_others_in_the_light() -> None:
    shown = np.full((40, 50), 0.1)
    shown[3, 4] = 1
    assert np.allclose(lit(shown), 1)
    assert np.array_equal(lit(np.eye(3)), np.eye(3))
    assert not lit(np.zeros((4, 4))).any()


def test_a_fingerprint_that_never_changes_has_an_empty_map() -> None:
    weights = torch.ones(1, 3)
    found = integrated(nn.Identity(), lambda batch: weights + 0 * batch.sum(), _head(2))
    assert not found.mean.any()
    assert np.isnan(found.accounted)


def test_an_encoder_without_a_gradient_is_told() -> None:
    with pytest.raises(UsageError, match="passes no gradient") as caught:
        integrated(nn.Identity(), lambda batch: batch.detach().flatten(1), _head(2))
    assert "--method occlusion" in caught.value.hints[0]


def test_an_encoder_that_turns_heads_is_held_to_the_scan_s_pose() -> None:
    spec = Spec("posed-3d", {"rounds": 1, "places": 0})
    model = untrained(describe(spec, shape=(1, *SHAPES[3]), embedding_dim=6), seed=0).eval()
    nn.init.normal_(model.encoder.looks[0].head[-1].weight, std=0.5, generator=torch.Generator().manual_seed(0))
    images, other = _head(3), _head(3, seed=5)
    pose, others = model.encoder.find(images), model.encoder.find(other)
    assert not torch.allclose(pose, others, atol=1e-3)
    with model.encoder.held(images):
        assert torch.equal(model.encoder.find(torch.cat([other, other])), pose.expand(2, 4, 4))
    assert torch.equal(model.encoder.find(other), others)
    none = model.embed(torch.zeros_like(images)).detach()
    # A network of random weights says nearly the same of everything: what it says of nothing is taken away.
    found = integrated(model, lambda batch: model.embed(batch) - none, images)
    assert found.rise > 0.01
    assert found.accounted == pytest.approx(1, abs=0.1)


def test_the_way_has_so_many_steps() -> None:
    places: list[float] = []

    def output(batch: Tensor) -> Tensor:
        places.append(float(batch.detach().flatten()[0]))
        return batch.flatten(1).sum(1)

    integrate(output, torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2))
    assert np.allclose(places, (np.arange(STEPS) + 0.5) / STEPS)


def test_the_command_writes_signed_credits_and_says_what_they_add_up_to(tmp_path) -> None:
    model = _model(3, "compact-3d", grid=[2, 2, 2])
    model.save(tmp_path / "model.safetensors")
    nib.save(nib.Nifti1Image(_head(3)[0, 0].numpy(), np.eye(4)), tmp_path / "one.nii.gz")
    told = ["explain", str(tmp_path / "model.safetensors"), str(tmp_path / "one.nii.gz"), "-o", str(tmp_path / "out")]
    shown = CliRunner().invoke(application, [*told, "--method", "integrated-gradients"])
    assert shown.exit_code == 0, shown.output
    assert "The voxels' credits add up to" in shown.output
    assert "Layer: integrated-gradients" in shown.output
    credits_ = nib.load(tmp_path / "out" / "one_credits.nii.gz").get_fdata()
    kept = json.loads((tmp_path / "out" / "explain.json").read_text())["scans"][0]
    assert kept["accounted"] == pytest.approx(1, abs=0.05)
    assert credits_.shape == SHAPES[3]
    assert (credits_.min() < 0, credits_.max() > 0) == (True, True)
    refused = CliRunner().invoke(application, [*told, "--method", "integrated-gradients", "--layer", "encoder.body.1"])
    assert refused.exit_code == 2
    assert "whatever the layers" in refused.output
