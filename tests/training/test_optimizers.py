"""Optimizers by name, their groups, and the learning rate over time."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn

from mlfp.errors import ParameterError
from mlfp.training.optimizers import build_optimizer, optimizer_class, rate_factor, set_rate
from mlfp.training.settings import ScheduleSettings, TrainSettings


@pytest.mark.parametrize(("name", "found"), [("adamw", "AdamW"), ("SGD", "SGD"), ("lars", "Lars"), ("lamb", "Lamb")])
def test_names_of_torch_and_timm(name: str, found: str) -> None:
    assert optimizer_class(name).__name__ == found  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["adamwx", "lbfgs", "optimizer"])
def test_an_unknown_optimizer(name: str) -> None:
    with pytest.raises(ParameterError, match="unknown optimizer") as caught:
        optimizer_class(name)
    assert caught.value.key == ("train", "optimizer", "use")
    assert name != "adamwx" or "Did you mean: adamw" in str(caught.value)


def test_groups_have_their_own_rates() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    model[0].bias.requires_grad_(False)
    proxies = nn.Parameter(torch.zeros(2, 4))
    optimizer = {
        "use": "sgd",
        "lr": 1.0,
        "bias_lr": 0.5,
        "bias_weight_decay": 0,
        "weight_decay": "1e-2",
        "momentum": 0.9,
    }
    train = TrainSettings.model_validate({"optimizer": optimizer, "loss_lr": 0.1})
    made = build_optimizer(model, [proxies], train)
    told = [(group["lr"], group["weight_decay"], len(group["params"])) for group in made.param_groups]
    assert told == [(1.0, 0.01, 1), (0.5, 0, 2), (0.1, 0.01, 1)]
    set_rate(made, 0.5)
    set_rate(made, 0.25)
    assert [group["lr"] for group in made.param_groups] == [0.25, 0.125, 0.025]


def test_an_argument_that_the_optimizer_refuses() -> None:
    train = TrainSettings.model_validate({"optimizer": {"use": "sgd", "beta": 1}})
    with pytest.raises(ParameterError, match="optimizer sgd cannot be made") as caught:
        build_optimizer(nn.Linear(2, 2), [], train)
    assert caught.value.key == ("train", "optimizer")


def factors(schedule: dict[str, object], steps: int = 40, steps_per_epoch: int = 4) -> list[float]:
    factor = rate_factor(ScheduleSettings.model_validate(schedule), steps=steps, steps_per_epoch=steps_per_epoch)
    return [factor(step) for step in range(steps)]


def test_cosine_rises_for_an_epoch_and_falls_to_its_floor() -> None:
    found = factors({"use": "cosine", "floor": 0.1})
    assert found[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert all(later < earlier for earlier, later in itertools.pairwise(found[4:]))
    assert found[-1] == pytest.approx(0.1, abs=0.01)


def test_cosine_is_that_of_torch() -> None:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=40)
    expected = []
    for _ in range(40):
        expected.append(theirs.get_last_lr()[0])
        optimizer.step()
        theirs.step()
    assert factors({"use": "cosine", "warmup": 0}) == pytest.approx(expected)


def test_restarts_repeat_as_those_of_torch() -> None:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=8)
    expected = []
    for _ in range(40):
        expected.append(theirs.get_last_lr()[0])
        optimizer.step()
        theirs.step()
    assert factors({"use": "cosine-restarts", "period": 2}) == pytest.approx(expected)


def test_one_cycle_peaks_after_three_tenths() -> None:
    found = factors({"use": "one-cycle"})
    assert found.index(max(found)) == 12
    assert factors({"use": "constant"}) == [1.0] * 40
