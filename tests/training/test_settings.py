"""What a configuration may say of a training, and what is said back when it is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from mlfp.errors import ParameterError
from mlfp.plugins import registry
from mlfp.training.settings import TrainingSettings

MINIMAL = {"encoder": "compact-2d"}


def test_what_is_read_can_be_written_and_read() -> None:
    given = {
        "encoder": {"use": "compact-2d", "embedding_dim": 64},
        "projector": {"dims": [32]},
        "objective": [
            {"loss": {"use": "infonce", "temperature": 0.1}, "weight": {"schedule": "linear"}, "views": "both"}
        ],
        "batch": {"subjects": 8, "views": 2},
        "train": {"optimizer": {"use": "sgd", "lr": "1e-2", "momentum": "0.9"}, "schedule": "constant", "steps": "1e4"},
    }
    settings = TrainingSettings.parse(given)
    assert TrainingSettings.parse(json.loads(json.dumps(settings.to_config()))) == settings
    assert settings.train.optimizer.lr == 0.01
    assert settings.train.steps == 10_000
    assert settings.train.optimizer.further == {"momentum": 0.9}


def test_what_decides_the_numbers_leaves_out_when_checkpoints_are_written() -> None:
    one = TrainingSettings.parse({**MINIMAL, "train": {"checkpoint_seconds": 1}})
    assert one.decisive() == TrainingSettings.parse(MINIMAL).decisive()
    assert one.decisive() != TrainingSettings.parse({**MINIMAL, "train": {"epochs": 3}}).decisive()


def test_a_term_without_a_memory_has_the_id_it_had_when_there_were_none() -> None:
    plain = TrainingSettings.parse({**MINIMAL, "objective": [{"loss": "triplet"}]})
    assert "memory" not in plain.decisive()["objective"][0]
    bank = {"loss": "triplet", "memory": {"size": "128"}}
    remembering = TrainingSettings.parse({**MINIMAL, "objective": [bank]})
    assert remembering.decisive()["objective"][0]["memory"] == {"size": 128, "warmup": 1}
    assert TrainingSettings.parse(json.loads(json.dumps(remembering.to_config()))) == remembering


@pytest.mark.parametrize(
    ("wrong", "key", "said"),
    [
        ({}, ("encoder",), "For example: encoder: compact-2d"),
        ({"encoder": {"name": "x"}}, ("encoder",), "needs 'use'"),
        ({**MINIMAL, "train": {"epoch": 3}}, ("train", "epoch"), "Did you mean: epochs?"),
        ({**MINIMAL, "train": {"epochs": True}}, ("train", "epochs"), "should be a number, got True"),
        ({**MINIMAL, "train": {"epochs": 0}}, ("train", "epochs"), "greater than or equal to 1, got 0"),
        ({**MINIMAL, "train": {"epochs": 1, "steps": 1}}, ("train",), "not both"),
        ({**MINIMAL, "train": {"optimizer": {"lr": "fast"}}}, ("train", "optimizer", "lr"), "got 'fast'"),
        ({**MINIMAL, "train": {"schedule": "cosin"}}, ("train", "schedule", "use"), "Did you mean: cosine?"),
        ({**MINIMAL, "batch": {"size": 3, "subjects": 3}}, ("batch",), "not both"),
        ({**MINIMAL, "batch": {"views": 3}}, ("batch", "views"), "less than or equal to 2"),
        ({**MINIMAL, "objective": []}, ("objective",), "at least 1"),
        (
            {**MINIMAL, "objective": [{"loss": "triplet", "memory": {"sise": 8}}]},
            ("objective", 0, "memory", "sise"),
            "Did you mean: size?",
        ),
        (
            {**MINIMAL, "objective": [{"loss": "triplet", "memory": {"size": 0}}]},
            ("objective", 0, "memory", "size"),
            "greater than or equal to 1",
        ),
        ({**MINIMAL, "objective": [{"los": "triplet"}]}, ("objective", 0, "los"), "Did you mean: loss?"),
        ({**MINIMAL, "objective": [{"loss": "triplet", "weight": "x"}]}, ("objective", 0, "weight"), "got 'x'"),
        (
            {**MINIMAL, "objective": [{"loss": "triplet", "weight": {"schedule": "linear", "begin": 1}}]},
            ("objective", 0, "weight", "begin"),
            "no parameter 'begin'",
        ),
        ({**MINIMAL, "objective": [{"loss": "triplet", "views": "both"}]}, ("objective", 0, "views"), "one view"),
        ({**MINIMAL, "evaluate_on": "projector"}, ("evaluate_on",), "there is no projector"),
        ({**MINIMAL, "distance": "euclid"}, ("distance",), "'cosine', 'l2' or 'inner', got 'euclid'"),
        ({**MINIMAL, "augmentations": ["affine", 3]}, ("augmentations", 1), "got 3"),
    ],
)
def test_errors_say_where_and_what(wrong: dict[str, Any], key: tuple[str | int, ...], said: str) -> None:
    with pytest.raises(ParameterError) as caught:
        TrainingSettings.parse(wrong)
    assert caught.value.key == key
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "key", "said"),
    [
        ({"encoder": "compact-3d"}, ("encoder", "use"), "works in 3D, and the scans are 2D"),
        ({"encoder": "compact"}, ("encoder", "use"), "Did you mean"),
        ({"encoder": {"use": "compact-2d", "grids": 3}}, ("encoder", "grids"), "has no parameter 'grids'"),
        ({"objective": [{"loss": "tripel"}]}, ("objective", 0, "loss", "use"), "Did you mean: triplet?"),
        ({"objective": [{"loss": "triplet", "miner": "triplet"}]}, ("objective", 0, "miner", "use"), "name of a loss"),
        ({"objective": [{"loss": {"use": "triplet", "margin": "x"}}]}, ("objective", 0, "loss", "margin"), "got 'x'"),
        ({"train": {"optimizer": "adamx"}}, ("train", "optimizer", "use"), "unknown optimizer"),
    ],
)
def test_components_are_checked_before_training(changes: dict[str, Any], key: tuple[str | int, ...], said: str) -> None:
    settings = TrainingSettings.parse({**MINIMAL, **changes})
    with pytest.raises(ParameterError) as caught:
        settings.check(registry(), in_channels=1, spatial_dims=2)
    assert caught.value.key == key
    assert said in str(caught.value)


def test_reading_imports_no_torch() -> None:
    code = "import sys, mlfp.training.settings; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_smoke_is_two_steps() -> None:
    smoke = TrainingSettings.parse({**MINIMAL, "batch": {"subjects": 64}, "train": {"steps": 500}}).smoke()
    assert smoke.batch.subjects == 4
    assert smoke.train.total_steps(2) == 2
