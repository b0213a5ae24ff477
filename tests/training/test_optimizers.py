"""Optimizers by name, their groups, and the learning rate over time."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import timm.optim
import timm.scheduler
import torch
from torch import nn

from mlfp.errors import ParameterError
from mlfp.seeds import seeded_globals
from mlfp.training import checkpoint
from mlfp.training.optimizers import (
    build_optimizer,
    momentum_by_step,
    optimizer_class,
    rate_factor,
    set_momentum,
    set_rate,
)
from mlfp.training.settings import TrainingSettings
from mlfp.training.train_settings import OptimizerSettings, ScheduleSettings, TrainSettings


@pytest.mark.parametrize(("name", "found"), [("adamw", "AdamW"), ("SGD", "SGD"), ("lars", "Lars"), ("lamb", "Lamb")])
def test_names_of_torch_and_timm(name: str, found: str) -> None:
    assert optimizer_class(name).__name__ == found  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["adamwx", "optimizer"])
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


@pytest.mark.parametrize(("steps", "share"), [(40, 0.3), (100, 0.3), (33, 0.3), (50, 0.5)])
def test_one_cycle_is_that_of_torch(steps: int, share: float) -> None:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0, momentum=0.9)
    theirs = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1.0, total_steps=steps, pct_start=share)
    rates, momenta = [], []
    for _ in range(steps):
        rates.append(theirs.get_last_lr()[0])
        momenta.append(optimizer.param_groups[0]["momentum"])
        optimizer.step()
        if len(rates) < steps:
            theirs.step()
    written: dict[str, object] = {"use": "one-cycle", "floor": 1 / 25e4, "momentum": [0.95, 0.85]}
    if share != 0.3:
        written |= {"warmup": share * steps, "unit": "steps"}
    assert factors(written, steps) == pytest.approx(rates, abs=1e-12)
    settings = ScheduleSettings.model_validate(written)
    momentum = momentum_by_step(settings, steps=steps, steps_per_epoch=4)
    assert momentum is not None
    assert [momentum(step) for step in range(steps)] == pytest.approx(momenta)


@pytest.mark.parametrize("steps", [1, 2, 3, 5])
def test_one_cycle_of_a_few_steps(steps: int) -> None:
    assert all(0 <= factor <= 1 for factor in factors({"use": "one-cycle"}, steps))
    assert max(factors({"use": "one-cycle"}, steps)) > 0


def test_momentum_is_moved_whatever_it_is_called() -> None:
    for name, key in (("sgd", "momentum"), ("adamw", "betas"), ("lars", "momentum")):
        made = build_optimizer(nn.Linear(2, 2), [], TrainSettings.model_validate({"optimizer": {"use": name}}))
        set_momentum(made, 0.875)
        found = made.param_groups[0][key]
        assert (found if key == "momentum" else found[0]) == 0.875
    rprop = build_optimizer(nn.Linear(2, 2), [], TrainSettings.model_validate({"optimizer": {"use": "rprop"}}))
    with pytest.raises(ParameterError, match="Rprop has no momentum"):
        set_momentum(rprop, 0.9)


def test_constant() -> None:
    assert factors({"use": "constant"}) == [1.0] * 40


def test_few_shot_fingerprinting_restarts_every_100_steps() -> None:
    """AdamW's rate over the 300 first steps of its released code; 10 steps are an epoch there."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=100)
    expected = []
    for _ in range(300):
        expected.append(theirs.get_last_lr()[0])
        optimizer.step()
        theirs.step()
    assert factors({"use": "cosine-restarts"}, 300, 10) == pytest.approx(expected)
    assert factors({"use": "cosine-restarts", "period": 100, "unit": "steps"}, 300, 7) == pytest.approx(expected)


def test_deepbrainprint_s_warm_up_and_cosine_by_hand() -> None:
    """10 of 180 epochs up, then down to a 1000th, a step at a time; 9 steps are an epoch of its 588 scans."""
    found = factors({"use": "cosine", "warmup": 10, "floor": 1e-3}, 1620, 9)
    for step in (0, 1, 44, 89):
        assert found[step] == pytest.approx((step + 1) / 91)  # its code has step / 90, and so wastes the first step
        assert abs(found[step] - step / 90) < 1 / 90
    for step in (90, 91, 855, 1619):
        share = 0.5 * (1 + math.cos(math.pi * (step - 90) / (1620 - 90)))
        assert found[step] == pytest.approx(share + 1e-3 * (1 - share))


def test_warm_up_and_cosine_are_timm_s_one_update_ahead() -> None:
    """timm's begins at 0 before the first update; here the first step already moves something."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = timm.scheduler.CosineLRScheduler(
        optimizer, t_initial=160 - 20, lr_min=1e-3, warmup_t=21, warmup_prefix=True, t_in_epochs=False
    )
    expected = []
    for step in range(160):
        theirs.step_update(step + 1)
        expected.append(optimizer.param_groups[0]["lr"])
    assert factors({"use": "cosine", "warmup": 5, "floor": 1e-3}, 160, 4) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("written", "what"),
    [
        ({"use": "cosine", "momentum": [0.95, 0.85]}, "moves no momentum"),
        ({"use": "cosine-restarts", "unit": "steps"}, "say how many a period has"),
    ],
)
def test_schedules_that_say_nothing(written: dict[str, object], what: str) -> None:
    with pytest.raises(ParameterError, match=what):
        TrainingSettings.parse({"encoder": "compact-2d", "train": {"schedule": written}})


DEEPBRAINPRINT = {
    "use": "lars",
    "lr": 0.2,
    "bias_lr": 0.0048,
    "reference_batch": 256,
    "momentum": 0.9,
    "weight_decay": 1e-6,
    "bias_weight_decay": 0,
}


def test_rates_scale_with_the_batch() -> None:
    settings = OptimizerSettings.model_validate(DEEPBRAINPRINT)
    assert (settings.for_batch(64).lr, settings.for_batch(64).bias_lr) == pytest.approx((0.05, 0.0012))
    assert (settings.for_batch(128).lr, settings.for_batch(128).bias_lr) == pytest.approx((0.1, 0.0024))
    assert OptimizerSettings(lr=0.3).for_batch(64) == OptimizerSettings(lr=0.3)


def test_the_loop_scales_rates_by_scans_not_views(small: ModuleType, tmp_path: Path) -> None:
    settings = {"use": "sgd", "lr": 0.8, "bias_lr": 0.4, "reference_batch": 16}
    train = {"optimizer": settings, "schedule": "constant", "steps": 2, "epochs": None, "patience": None}
    found = small.small_training(
        tmp_path, train=train, batch={"views": 2}, augmentations=[{"use": "noise"}], objective=[{"loss": "infonce"}]
    )
    lines = [json.loads(line) for line in found.curves.read_text().splitlines()]
    assert lines[0]["lr"] == pytest.approx(0.8 * 8 / 16)  # 4 subjects with 2 scans, in 2 views


def lars_by_hand(
    model: nn.Module, *, rate: float, bias_rate: float, eta: float, of_the_sum: bool
) -> Callable[[float], None]:
    """You, Gitman & Ginsburg 2017, section 4, with the groups of DeepBrainPrint (section 2.4).

    A weight's step is scaled by eta |w| / (|g| + wd |w|); ``of_the_sum`` divides by |g + wd w| instead, as the code of
    Barlow Twins does, which DeepBrainPrint's is a copy of. Biases and norms take no decay and are not scaled.
    """
    momentum: dict[str, torch.Tensor] = {}

    @torch.no_grad()
    def step(factor: float) -> None:
        for name, weight in model.named_parameters():
            assert weight.grad is not None
            update = weight.grad.clone()
            if weight.ndim > 1:
                decayed = update + 1e-6 * weight
                size = decayed.norm() if of_the_sum else update.norm() + 1e-6 * weight.norm()
                update = decayed * (eta * weight.norm() / size)
            momentum[name] = 0.9 * momentum.get(name, torch.zeros_like(weight)) + update
            weight -= factor * (rate if weight.ndim > 1 else bias_rate) * momentum[name]

    return step


@pytest.mark.parametrize(("of_the_sum", "apart"), [(False, 1e-6), (True, 1e-5)])
def test_lars_with_two_rates_equals_the_formula_over_many_steps(of_the_sum: bool, apart: float) -> None:
    def network() -> nn.Module:
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(1, 6, 3, bias=False), nn.BatchNorm2d(6), nn.ReLU(), nn.Flatten(), nn.Linear(216, 4)
        )

    ours, theirs = network(), network()
    settings = OptimizerSettings.model_validate(DEEPBRAINPRINT).for_batch(64)
    optimizer = build_optimizer(ours, [], TrainSettings(optimizer=settings))
    by_hand = lars_by_hand(theirs, rate=0.2 * 64 / 256, bias_rate=0.0048 * 64 / 256, eta=0.001, of_the_sum=of_the_sum)
    factor = rate_factor(ScheduleSettings(warmup=10, floor=1e-3), steps=200, steps_per_epoch=2)
    images = torch.rand(8, 16, 1, 8, 8)
    for step in range(200):
        for model in (ours, theirs):
            model.zero_grad()
            (model(images[step % 8]) - 1).square().mean().backward()
        set_rate(optimizer, factor(step))
        optimizer.step()
        by_hand(factor(step))
    begun = network()
    for one, other, first in zip(ours.parameters(), theirs.parameters(), begun.parameters(), strict=True):
        assert not torch.allclose(one, first, atol=100 * apart)
        assert torch.allclose(one, other, atol=apart)


def every_optimizer() -> list[str]:
    own = [name.casefold() for name, item in vars(torch.optim).items() if isinstance(item, type)]
    return sorted({name for name in own if name not in ("optimizer",)} | set(timm.optim.list_optimizers()))


#: Why these cannot be used here.
REFUSED = {"lbfgs": "again and again", "sparseadam": "sparse gradients", "adahessian": "second derivatives"}
#: They compile themselves for half a minute.
COMPILED = ("kron", "kronc", "kronw")


def four_steps(name: str, folder: Path | None = None) -> list[torch.Tensor]:
    """The weights after four steps; with a folder, two of them after going on from a checkpoint there."""
    train = TrainSettings.model_validate({"optimizer": {"use": name, "lr": 1e-3}})

    def begun() -> tuple[nn.Module, torch.optim.Optimizer]:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 3))
        return model, build_optimizer(model, [], train)

    images = torch.rand(4, 8, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    model, optimizer = begun()
    for step in range(4):
        if folder is not None and step == 2:
            state = {"model": checkpoint.module_state(model), "optimizer": optimizer.state_dict()}
            checkpoint.write(folder / checkpoint.FILE, state)
            state = checkpoint.read(folder / checkpoint.FILE)
            model, optimizer = begun()
            checkpoint.load_module_state(model, state["model"])
            checkpoint.load_optimizer_state(optimizer, state["optimizer"])
        with seeded_globals("test", step):  # as the loop does, for those that draw at random
            optimizer.zero_grad()
            (model(images[step]) - 1).square().mean().backward()
            optimizer.step()
    return [item.detach() for item in model.parameters()]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name in COMPILED)) for name in every_optimizer()]
)
@pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad", "ignore:It is highly recommended")
def test_every_optimizer_of_torch_and_timm(name: str, tmp_path: Path) -> None:
    """It goes on from a checkpoint as if it had not stopped, or says why it cannot be used."""
    refused = REFUSED.get(name, "CUDA required" if name.startswith(("bnb", "fused")) else None)
    if refused is not None and not (refused == "CUDA required" and torch.cuda.is_available()):
        with pytest.raises(ParameterError, match=refused) as caught:
            four_steps(name)
        assert caught.value.key[:2] == ("train", "optimizer")
        return
    if refused is not None:
        pytest.skip(f"{name} needs APEX or bitsandbytes")
    whole = four_steps(name)
    assert all(torch.isfinite(item).all() for item in whole)
    assert all(torch.equal(one, other) for one, other in zip(whole, four_steps(name, tmp_path), strict=True))


@pytest.mark.parametrize("name", ["muon", "nesterov", "nlars"])
def test_names_that_need_a_word_of_help(name: str) -> None:
    """torch's Muon refuses convolutions, which timm's takes; timm's Nesterov ones refuse to be without momentum."""
    made = build_optimizer(nn.Conv2d(1, 2, 3), [], TrainSettings.model_validate({"optimizer": {"use": name}}))
    assert made.param_groups[0].get("momentum", 0) > 0
