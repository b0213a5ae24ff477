"""The loop: it learns, a resumed training equals an uninterrupted one, and it says why when it cannot go on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from mlfp.errors import MlfpError, ParameterError, UsageError
from mlfp.execution.progress import silent
from mlfp.fingerprints.embedding import embed
from mlfp.training import checkpoint
from mlfp.training.audience import Audience
from mlfp.training.loop import TrainingResult, untrained
from mlfp.training.material import Material
from mlfp.training.run import Run
from mlfp.training.validation import map_at_r

PROXIES = {"objective": [{"loss": {"use": "pml:ProxyAnchorLoss"}, "views": "first"}], "train": {"loss_lr": 0.1}}
CENTRES = {"objective": [{"loss": "soft-triple"}, {"loss": "proxy-nca", "scale": 0.5}], "train": {"loss_lr": 0.1}}
VIEWS = {
    "objective": [
        {"loss": "triplet", "miner": "batched-hard", "views": "both", "weight": {"schedule": "linear"}},
        {"loss": "infonce", "views": "second", "weight": {"schedule": "linear", "start": 0, "end": 1}},
    ],
    "batch": {"views": 2},
    "projector": {"dims": [16, 8], "bare_last": True},
}
BANK = {"use": "pml:CrossBatchMemory", "loss": {"use": "pml:ContrastiveLoss"}, "memory_size": 20}
MEMORIES = {
    "objective": [
        {"loss": "triplet", "miner": "batched-hard", "memory": {"size": 20}},
        {"loss": "infonce", "miner": "pml:BatchEasyHardMiner", "memory": {"size": 12, "warmup": 0}},
    ]
}
LARS = {"use": "lars", "lr": 0.5, "bias_lr": 0.1, "bias_weight_decay": 0}
VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {"augmentations": ["affine", "intensity"]},
    "proxies": PROXIES,
    "centres": CENTRES,
    "memory bank": {"objective": [{"loss": BANK}]},
    "memories": MEMORIES,
    "views": VIEWS,
    "apart": {"train": {"encode": "apart", "optimizer": {"use": "sgd", "lr": "0.05", "momentum": "0.9"}}},
    "bf16": {"train": {"precision": "bf16-mixed", "schedule": "one-cycle"}},
    "timm": {
        "train": {
            "optimizer": {"use": "lars", "lr": 0.5, "bias_lr": 0.1, "bias_weight_decay": 0},
            "epochs": None,
            "steps": 9,
        }
    },
    "random": {"batch": {"subjects": None, "scans": None, "size": 6, "views": 2}, "train": {"validate_every": 2}},
}


class Interrupter:
    """Stops a training as Ctrl-C does, after so many steps."""

    def __init__(self, step: int) -> None:
        self.step = step

    def run_started(self, name: str, folder: Path, settings: Mapping[str, Any]) -> None:
        pass

    def step_finished(self, step: int, values: Mapping[str, float]) -> None:
        if step == self.step:
            raise KeyboardInterrupt

    def run_finished(self, values: Mapping[str, float]) -> None:
        pass


def essence(result: TrainingResult) -> dict[str, Any]:
    """All that a resumed training must share with an uninterrupted one."""
    told = {name: value for name, value in result.to_json().items() if name != "seconds"}
    return {**told, "model": result.model.digest, "curves": result.curves.read_text()}


@pytest.mark.parametrize("name", VARIANTS)
def test_a_resumed_training_equals_an_uninterrupted_one(small: ModuleType, tmp_path: Path, name: str) -> None:
    changes = VARIANTS[name]
    whole = small.small_training(tmp_path / "whole", **changes)
    for step in (1, 4, 7):
        with pytest.raises(KeyboardInterrupt):
            small.small_training(tmp_path / "cut", observers=[Interrupter(step)], **changes)
    assert essence(small.small_training(tmp_path / "cut", **changes)) == essence(whole)


def test_a_killed_training_resumes_to_the_same_numbers(small: ModuleType, tmp_path: Path) -> None:
    changes = {"train": {"epochs": 30, "patience": None, "checkpoint_seconds": 0.0}}
    script = Path(__file__).with_name("small_training.py")
    command = [sys.executable, str(script), str(tmp_path / "cut"), json.dumps(changes)]
    with subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}) as process:
        curves = tmp_path / "cut" / "curves.jsonl"
        while process.poll() is None and (not curves.exists() or curves.read_text().count("\n") < 8):
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL, "it was killed before its end"
    assert not checkpoint.read(tmp_path / "cut" / checkpoint.FILE)["place"]["finished"]
    whole = small.small_training(tmp_path / "whole", **changes)
    assert essence(small.small_training(tmp_path / "cut", **changes)) == essence(whole)


def test_checkpoint_seconds_change_no_number(small: ModuleType, tmp_path: Path) -> None:
    often = small.small_training(tmp_path / "often", train={"checkpoint_seconds": 0})
    never = small.small_training(tmp_path / "never", train={"checkpoint_seconds": 3600})
    assert essence(often) == essence(never)


def test_a_finished_training_is_read_back(small: ModuleType, tmp_path: Path) -> None:
    first = small.small_training(tmp_path)
    again = small.small_training(tmp_path, observers=[Interrupter(1)])
    assert essence(again) == essence(first)
    assert again.seconds == first.seconds


def test_seeds_differ_and_global_state_is_left_alone(small: ModuleType, tmp_path: Path) -> None:
    torch.manual_seed(11)
    before = torch.random.get_rng_state(), np.random.get_state()[1].tolist()
    one = small.small_training(tmp_path / "1", seed=1)
    assert torch.equal(torch.random.get_rng_state(), before[0])
    assert np.random.get_state()[1].tolist() == before[1]
    torch.manual_seed(12)
    assert small.small_training(tmp_path / "again", seed=1).model.digest == one.model.digest
    assert small.small_training(tmp_path / "2", seed=2).model.digest != one.model.digest


def test_training_learns(small: ModuleType, tmp_path: Path) -> None:
    scans = small.small_scans(subjects=36, scans=4)
    cut = 2 * len(scans) // 3
    held_out = scans.select(np.arange(cut, len(scans)))
    train = {"epochs": 25, "checkpoint_seconds": 3600, "optimizer": {"lr": 0.01}}
    settings = {"objective": [{"loss": "infonce"}], "batch": {"subjects": 12}, "train": train}
    result = small.small_training(tmp_path, scans, **settings)
    begin = untrained(small.small_settings(**settings), scans, preprocess=[], seed=3)
    before = map_at_r(held_out.table, embed(begin, held_out, device="cpu").vectors, "cosine")
    assert result.map_at_r is not None
    assert result.map_at_r > before + 0.3


def test_the_best_weights_are_given_back(small: ModuleType, tmp_path: Path) -> None:
    result = small.small_training(tmp_path, train={"epochs": 8})
    scans = small.small_scans()
    held_out = scans.select(np.arange(2 * len(scans) // 3, len(scans)))
    lines = [json.loads(line) for line in result.curves.read_text().splitlines()]
    validated = {line["epoch"]: line["val.map_at_r"] for line in lines if "val.map_at_r" in line}
    assert result.map_at_r == max(validated.values()) == validated[result.best_epoch]
    found = embed(result.model, held_out, device="cpu").vectors
    assert map_at_r(held_out.table, found, "cosine") == pytest.approx(result.map_at_r)


def test_patience_ends_a_training(small: ModuleType, tmp_path: Path) -> None:
    result = small.small_training(tmp_path, train={"epochs": 50, "patience": 2, "min_delta": 0.9})
    assert result.stopped_early
    assert (result.best_epoch, result.epochs, result.steps) == (1, 3, 6)


def test_without_patience_nothing_needs_to_be_validated_on(small: ModuleType, tmp_path: Path) -> None:
    alone = small.small_scans(scans=1).select(np.arange(6))
    twins = small.small_scans(scans=2)
    scans = small.joined(twins, alone)
    with pytest.raises(UsageError, match="none of the 6 validation scans shares"):
        small.small_training(tmp_path / "a", scans, cut=len(twins))
    result = small.small_training(tmp_path / "b", scans, cut=len(twins), train={"patience": None})
    everything = small.small_training(tmp_path / "c", twins, cut=len(twins))
    assert everything.model.digest == result.model.digest, "without validation scans none are asked for"
    assert result.map_at_r is None
    assert result.best_epoch == result.epochs == 5


def test_a_projector_is_trained_through_and_dropped(small: ModuleType, tmp_path: Path) -> None:
    dropped = small.small_training(tmp_path / "d", projector={"dims": [5]})
    kept = small.small_training(tmp_path / "k", projector={"dims": [5]}, evaluate_on="projector")
    scans = small.small_scans()
    assert embed(dropped.model, scans, device="cpu").vectors.shape == (36, 8)
    assert embed(kept.model, scans, device="cpu").vectors.shape == (36, 5)
    dropped.model.save(tmp_path / "model.safetensors")
    assert type(dropped.model).load(tmp_path / "model.safetensors").projector is None


def test_a_loss_with_weights_of_its_own_trains_them_at_their_own_rate(small: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        small.small_training(tmp_path, observers=[Interrupter(3)], **PROXIES)
    state = checkpoint.read(tmp_path / checkpoint.FILE)
    rates = [group["peak_lr"] for group in state["optimizer"]["param_groups"]]
    assert rates == [1e-3, 0.1]
    proxies = [tensor for name, tensor in state["objective"]["tensors"].items() if "prox" in name]
    assert [tensor.shape for tensor in proxies] == [(8, 8)]


def test_the_papers_proxies_and_centres_are_trained_and_kept(small: ModuleType, tmp_path: Path) -> None:
    """SoftTriple's 10 centres and ProxyNCA's proxy of each of 8 subjects move, and go to the checkpoint."""
    kept = []
    for step in (2, 6):
        with pytest.raises(KeyboardInterrupt):
            small.small_training(tmp_path, observers=[Interrupter(step)], **CENTRES)
        state = checkpoint.read(tmp_path / checkpoint.FILE)
        kept.append(state["objective"]["tensors"])
    assert sorted(tuple(tensor.shape) for tensor in kept[0].values() if tensor.ndim == 2) == [(8, 8), (8, 80)]
    assert [group["peak_lr"] for group in state["optimizer"]["param_groups"]] == [1e-3, 0.1]
    moved = [name for name, tensor in kept[0].items() if tensor.ndim == 2 and not torch.equal(tensor, kept[1][name])]
    assert len(moved) == 2


@pytest.mark.parametrize("encode", ["together", "apart"])
@pytest.mark.parametrize(
    "batch", [{"subjects": 4, "scans": 2}, {"subjects": None, "scans": None, "size": 6, "views": 2}]
)
def test_batch_normalisation_sees_blocks_together_or_apart(
    small: ModuleType, tmp_path: Path, encode: str, batch: dict[str, Any]
) -> None:
    """The running mean after one step, by hand: of all rows, or of anchors and then of positives (or views)."""
    scans = small.small_scans()
    settings = small.small_settings(
        objective=[{"loss": "infonce"}] if "views" not in batch else [{"loss": "nt-xent"}],
        train={"encode": encode, "steps": 1, "epochs": None, "optimizer": {"use": "sgd", "lr": 1e-9}},
        batch=batch,
        augmentations=["noise"],
    )
    material = Material(settings, scans, scans.select(np.arange(0)), [], 3)
    run = Run(material, tmp_path, torch.device("cpu"), Audience(()), silent)
    convolution, norm = run.model.encoder.body[:2]
    images = run.batches.batch(0, 0).images
    expected = norm.running_mean.clone()
    blocks = [images] if encode == "together" else torch.split(images, len(images) // 2)
    with torch.no_grad():
        for block in blocks:
            expected = 0.9 * expected + 0.1 * convolution(block).mean(dim=(0, 2, 3))
    run.finish()
    torch.testing.assert_close(run.model.encoder.body[1].running_mean, expected, atol=1e-6, rtol=1e-5)


def test_another_training_in_the_same_folder_is_refused(small: ModuleType, tmp_path: Path) -> None:
    small.small_training(tmp_path)
    with pytest.raises(UsageError, match="checkpoint of another training"):
        small.small_training(tmp_path, seed=4)


def test_an_observer_that_raises_is_dropped(small: ModuleType, tmp_path: Path) -> None:
    class Broken(Interrupter):
        def step_finished(self, step: int, values: Mapping[str, float]) -> None:
            self.step += 1
            raise ValueError("disk full")

    broken = Broken(0)
    with pytest.warns(RuntimeWarning, match="Broken is left out from here on: ValueError: disk full"):
        small.small_training(tmp_path, observers=[broken])
    assert broken.step == 1


def test_a_training_that_diverges_says_where(small: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(MlfpError) as caught:
        small.small_training(tmp_path, train={"optimizer": {"use": "sgd", "lr": 1e30}, "clip": None})
    assert "of 10, epoch" in str(caught.value)
    assert "train.optimizer.lr" in str(caught.value)


def test_a_loss_that_becomes_nan_is_named_with_its_step(small: ModuleType, tmp_path: Path) -> None:
    objective = [{"loss": "triplet"}, {"loss": {"use": "tiny/breaking", "after": 3}}]
    with pytest.raises(MlfpError, match="the loss 'tiny/breaking' is nan") as caught:
        small.small_training(tmp_path, objective=objective)
    assert caught.value.where == "step 3 of 10, epoch 2"
    assert "learning rate" in str(caught.value)


def test_subjects_with_one_scan_are_not_enough(small: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there are 0 subjects with 2 scans or more") as caught:
        small.small_training(tmp_path, small.small_scans(scans=1), train={"patience": None})
    assert "batch: {scans: 1, views: 2}" in str(caught.value)


def test_a_2d_encoder_on_3d_scans_is_refused_before_training(small: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="works in 2D, and the scans are 3D") as caught:
        small.small_training(tmp_path, small.small_scans(spatial_dims=3), encoder="tiny/tiny-2d")
    assert caught.value.key == ("encoder", "use")
    assert "slice" in str(caught.value)


def test_a_batch_of_more_subjects_than_there_are_is_refused(small: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(
        ParameterError, match="a batch of 9 subjects with 2 scans or more needs as many, and there are 8"
    ):
        small.small_training(tmp_path, batch={"subjects": 9})


def test_3d_scans_train(small: ModuleType, tmp_path: Path) -> None:
    result = small.small_training(tmp_path, small.small_scans(spatial_dims=3), train={"epochs": 1})
    assert result.model.card.input_shape == (8, 8, 8)
