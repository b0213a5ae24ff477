from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from monai.visualize import GradCAM
from torch import nn

from mlfp.cli.app import application
from mlfp.errors import UsageError
from mlfp.explain.drawing import centre, covered, draw
from mlfp.explain.gradcam import correlation, saliency
from mlfp.fingerprints.model import describe, untrained
from mlfp.types.spec import Spec
from mlfp.types.volume import Volume

SHAPES = {2: (24, 20), 3: (24, 20, 16)}


def _model(dims: int, seed: int = 0, **others):
    spec = Spec(f"compact-{dims}d", {"grid": [2] * dims})
    model = untrained(describe(spec, shape=(1, *SHAPES[dims]), embedding_dim=6, **others), seed=seed)
    return model.eval()


def _images(dims: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(1, 1, *SHAPES[dims], generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("dims", [2, 3])
def test_it_is_the_mean_of_monai_s_map_of_every_element(dims):
    """MONAI's takes a whole pass forward and back for every element: slow, and another's."""
    model, images = _model(dims), _images(dims)
    found = saliency(model, model.embed, images)
    reference = GradCAM(model, target_layers=found.layer, upsampler=lambda _: lambda x: x, postprocessing=lambda x: x)
    maps = np.stack([np.asarray(reference(images, class_idx=element)[0, 0].detach()) for element in range(6)])
    assert found.elements.shape == maps.shape
    assert np.allclose(found.elements, maps, atol=1e-5 * np.abs(maps).max())
    assert found.mean.shape == SHAPES[dims]
    assert (found.mean.min(), found.mean.max()) == (0, 1)


@pytest.mark.parametrize("method", ["grad-cam", "hires-cam"])
def test_fast_lets_elements_cancel_and_says_how_much(method):
    model, images = _model(2), _images(2)
    exact = saliency(model, model.embed, images, method=method)
    fast = saliency(model, model.embed, images, method=method, fast=True)
    assert exact.fast_agreement == pytest.approx(correlation(exact.mean, fast.mean), abs=1e-4)
    assert exact.fast_agreement < 0.999
    assert len(fast.elements) == 0


def test_what_all_of_a_map_shares_with_the_air_does_not_count():
    class Lifted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.map = nn.Conv2d(1, 1, 1)
            nn.init.ones_(self.map.weight)
            nn.init.constant_(self.map.bias, 5.0)

        def forward(self, images):
            return self.map(images).mean((2, 3))

    model, images = Lifted().eval(), torch.zeros(1, 1, 12, 10)
    images[0, 0, 4:8, 3:7] = 1
    raised = saliency(model, model, images, baseline="air")
    assert raised.mean[4:8, 3:7].sum() == pytest.approx(raised.mean.sum())
    assert raised.elements.max() < 0.2 * saliency(model, model, images).elements.max()


def test_it_finds_the_place_that_the_fingerprint_is_made_of():
    class Corner(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.map = nn.Conv2d(1, 1, 1, bias=False)
            nn.init.ones_(self.map.weight)

        def forward(self, images):
            return self.map(images)[:, :, :6, :5].flatten(1)

    model = Corner().eval()
    found = saliency(model, model, _images(2).abs(), method="hires-cam")
    assert found.mean[:6, :5].sum() == pytest.approx(found.mean.sum())
    assert centre(found.mean)[0] < 6


def test_the_model_is_left_as_it_was_and_activations_in_place_do_no_harm():
    model, images = _model(2), _images(2)
    before = model.embed(images)
    names = [name for name, layer in model.named_modules() if isinstance(layer, nn.Conv2d)]
    for name in names:
        saliency(model, model.embed, images, layer=name)
    assert torch.equal(model.embed(images), before)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_layer_that_is_not_there_is_told():
    model, images = _model(2), _images(2)
    with pytest.raises(UsageError, match="has no layer") as told:
        saliency(model, model.embed, images, layer="encoder.bodi.0")
    assert "Did you mean: encoder.body.0" in str(told.value)
    flat = nn.Sequential(nn.Flatten(), nn.Linear(480, 4))
    with pytest.raises(UsageError, match="no convolution"):
        saliency(flat, flat, images)


def test_pictures_show_the_map_over_the_image():
    grey, heat = np.full((4, 4), 0.5), np.zeros((4, 4))
    heat[0, 0] = 1
    found = covered(grey, heat)
    assert np.allclose(found[1:], 0.5)
    assert found[0, 0, 0] > found[0, 0, 2]
    for dims, shape in SHAPES.items():
        volume = Volume(np.random.default_rng(0).random((1, *shape)).astype(np.float32), scan="s")
        assert draw(volume, np.zeros(shape), "s").size[1] > 2 * 180 > dims


def test_the_command_writes_pictures_and_maps(tmp_path):
    chain = [{"use": "zscore", "mask": "all"}]
    _model(3, preprocess=chain).save(tmp_path / "model.safetensors")
    affine = np.diag([2.0, 2.0, 3.0, 1.0])
    for number in range(2):
        data = np.random.default_rng(number).random(SHAPES[3]).astype(np.float32)
        nib.save(nib.Nifti1Image(data, affine), tmp_path / f"{number}.nii.gz")
    (tmp_path / "scans.csv").write_text("path,subject\n0.nii.gz,a\n1.nii.gz,b\n", encoding="utf-8")
    model, out = str(tmp_path / "model.safetensors"), tmp_path / "out"
    args = ["-q", "explain", model, str(tmp_path / "0.nii.gz"), str(tmp_path / "scans.csv"), "--scan", "1.nii.gz"]
    done = CliRunner().invoke(application, [*args, "-o", str(out), "--elements", "3", "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert len(told["scans"]) == 2
    assert -1 <= told["different"] < 1
    assert told["same"] is None
    image = nib.load(out / "0_saliency.nii.gz")
    assert image.shape == SHAPES[3]
    assert np.allclose(image.affine, nib.load(out / "0_image.nii.gz").affine)
    assert {path.name for path in out.glob("*.png")} == {
        "0.png", "0_elements.png", "1.nii.gz.png", "1.nii.gz_elements.png",
    }  # fmt: skip
    args = [*args, "-o", str(tmp_path / "covered"), "--method", "occlusion", "--within", "head", "--json"]
    covered = CliRunner().invoke(application, args)
    assert covered.exit_code == 0, covered.output
    assert {item["layer"] for item in json.loads(covered.stdout)["scans"]} == {"occlusion"}
    shown = nib.load(tmp_path / "covered" / "0_saliency.nii.gz").get_fdata()
    assert (shown.min(), shown.max()) == (0, 1)
    refused = CliRunner().invoke(application, [*args, "--layer", "encoder.body.5"])
    assert refused.exit_code == 2
    assert "occlusion covers the scan itself" in refused.output
    wrong = CliRunner().invoke(application, ["explain", model, str(tmp_path / "scans.csv"), "-o", str(out)])
    assert wrong.exit_code == 2
    assert "Name one or more: --scan '0.nii.gz'" in wrong.output
