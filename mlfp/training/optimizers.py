"""Optimizers by name, their groups of parameters, and how the learning rate goes."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from mlfp.errors import ParameterError, nearest
from mlfp.training.train_settings import ScheduleSettings, TrainSettings

#: A learning rate's factor of its peak, from the number of steps done.
Factor = Callable[[int], float]
_KEY = ("train", "optimizer")
#: Where a cycle begins, as a share of its peak: torch.optim.lr_scheduler.OneCycleLR's.
_CYCLE_BEGINS = 1 / 25
#: Optimizers that no training here can drive, and why.
_REFUSED = {
    "lbfgs": "it asks for the loss again and again within a step, and a batch is augmented and mined once",
    "sparseadam": "it takes sparse gradients alone, and encoders have dense ones",
    "adahessian": "it needs second derivatives",
}


def optimizer_class(name: str) -> Callable[..., Optimizer]:
    """An optimizer of ``torch.optim``, else of ``timm.optim``, by its name in any case.

    :raises ParameterError: neither has it, or it cannot be driven step by step.
    """
    wanted = name.casefold().replace("-", "").replace("_", "")
    if wanted in _REFUSED:
        raise ParameterError(f"optimizer {name!r} cannot be used here: {_REFUSED[wanted]}", key=(*_KEY, "use"))
    own = {key.casefold(): value for key, value in vars(torch.optim).items() if _is_optimizer(value)}
    if wanted in own:
        found: Callable[..., Optimizer] = own[wanted]
        return found
    import timm.optim

    others = timm.optim.list_optimizers()
    if wanted in others:
        try:
            theirs: Callable[..., Optimizer] = timm.optim.get_optimizer_class(wanted)
        except (AssertionError, ImportError) as error:  # those of APEX and bitsandbytes, without a GPU or the library
            raise ParameterError(f"optimizer {name!r} cannot be used here: {error}", key=(*_KEY, "use")) from error
        return theirs
    known = sorted({*own, *others} - {*_REFUSED})
    raise ParameterError(
        f"unknown optimizer {name!r}",
        key=(*_KEY, "use"),
        hints=[*nearest(name, known), f"Those of torch.optim: {', '.join(sorted(own))}; and all of timm.optim."],
    )


def _is_optimizer(value: Any) -> bool:
    # torch's Muon takes matrices alone; timm's of the same name also takes convolutions and biases.
    left_out = (Optimizer, torch.optim.LBFGS, torch.optim.SparseAdam, torch.optim.Muon)
    return isinstance(value, type) and issubclass(value, Optimizer) and value not in left_out


def build_optimizer(model: nn.Module, loss_parameters: Iterable[nn.Parameter], train: TrainSettings) -> Optimizer:
    """The optimizer with its groups: weights, parameters of one dimension where they differ, the losses' own weights.

    :raises ParameterError: it refuses an argument.
    """
    settings = train.optimizer
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    weights, biases = trained, list[nn.Parameter]()
    if settings.bias_lr is not None or settings.bias_weight_decay is not None:
        weights = [parameter for parameter in trained if parameter.ndim > 1]
        biases = [parameter for parameter in trained if parameter.ndim <= 1]
    groups: list[dict[str, Any]] = [
        {"params": weights},
        {"params": biases, **_given(lr=settings.bias_lr, weight_decay=settings.bias_weight_decay)},
        {"params": list(loss_parameters), **_given(lr=train.loss_lr)},
    ]
    made = optimizer_class(settings.use)
    keywords = {"lr": settings.lr, **_given(weight_decay=settings.weight_decay), **settings.further}
    names = [name for name in inspect.signature(made).parameters if name != "params"]
    if isinstance(made, functools.partial) and made.keywords.get("nesterov") and "momentum" in names:
        keywords.setdefault("momentum", 0.9)  # as timm's own factory has it; without any they refuse
    try:
        if "fused" in names:
            # One pass over the weights instead of one for every term of the update: 1.0 instead of 4.4 ms for 600,000.
            keywords.setdefault("fused", True)
        return made([group for group in groups if group["params"]], **keywords)
    except (TypeError, ValueError, AssertionError, RuntimeError) as error:
        hints = [f"Its arguments: {', '.join(names)}"]
        raise ParameterError(f"optimizer {settings.use} cannot be made: {error}", key=_KEY, hints=hints) from error


def _given(**keywords: Any) -> dict[str, Any]:
    return {name: value for name, value in keywords.items() if value is not None}


def rate_factor(settings: ScheduleSettings, *, steps: int, steps_per_epoch: int) -> Factor:
    """The learning rate's factor of its peak before each step: a pure function of the number of steps done.

    :param steps: of the whole training.
    """
    warmup = _warmup_steps(settings, steps, steps_per_epoch)
    if settings.use == "one-cycle":
        return _one_cycle(settings, warmup, steps)

    def cosine(done: float, length: float) -> float:
        share = min(1.0, done / max(1.0, length))
        return settings.floor + (1 - settings.floor) * 0.5 * (1 + math.cos(math.pi * share))

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / (warmup + 1)
        if settings.use == "constant":
            return 1.0
        if settings.use == "cosine-restarts":
            period = max(1.0, settings.period * _unit(settings, steps_per_epoch))
            return cosine((step - warmup) % period, period)
        return cosine(step - warmup, steps - warmup)

    return factor


def momentum_by_step(settings: ScheduleSettings, *, steps: int, steps_per_epoch: int) -> Factor | None:
    """The momentum before each step, where the schedule moves it; None where the optimizer's own stays."""
    if settings.momentum is None:
        return None
    outer, inner = settings.momentum
    height = _height(_warmup_steps(settings, steps, steps_per_epoch), steps)
    return lambda step: outer + (inner - outer) * height(step)


def _one_cycle(settings: ScheduleSettings, warmup: float, steps: int) -> Factor:
    """Up from a 25th and down to the floor, both by half a cosine, as OneCycleLR goes."""
    height = _height(warmup, steps)

    def factor(step: int) -> float:
        foot = _CYCLE_BEGINS if step < warmup - 1 else settings.floor
        return foot + (1 - foot) * height(step)

    return factor


def _height(warmup: float, steps: int) -> Factor:
    """0 at the foot of a cycle, 1 at its top, which is the last step of the warm-up."""
    top = max(0.0, warmup - 1)

    def height(step: int) -> float:
        share = step / top if step < top else 1 + min(1.0, (step - top) / max(1.0, steps - 1 - top))
        return 0.5 * (1 - math.cos(math.pi * share))

    return height


def _warmup_steps(settings: ScheduleSettings, steps: int, steps_per_epoch: int) -> float:
    if settings.warmup is not None:
        return round(settings.warmup * _unit(settings, steps_per_epoch))
    # 30 % is the share that torch.optim.lr_scheduler.OneCycleLR takes.
    return {"one-cycle": 0.3 * steps, "cosine": min(steps_per_epoch, steps // 10)}.get(settings.use, 0)


def _unit(settings: ScheduleSettings, steps_per_epoch: int) -> int:
    return steps_per_epoch if settings.unit == "epochs" else 1


def set_rate(optimizer: Optimizer, factor: float) -> None:
    """Set every group's learning rate to this factor of its peak."""
    for group in optimizer.param_groups:
        peak = group.setdefault("peak_lr", group["lr"])
        group["lr"] = peak * factor


def set_momentum(optimizer: Optimizer, value: float) -> None:
    """Set every group's momentum, which Adam and its kin call their first beta.

    :raises ParameterError: the optimizer has neither.
    """
    for group in optimizer.param_groups:
        if "momentum" in group:
            group["momentum"] = value
        elif "betas" in group:
            group["betas"] = (value, *group["betas"][1:])
        else:
            raise ParameterError(
                f"optimizer {type(optimizer).__name__} has no momentum for the schedule to move",
                key=("train", "schedule", "momentum"),
                hints=["Leave it out, or take sgd or adamw."],
            )
