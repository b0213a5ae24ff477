"""Optimizers by name, their groups of parameters, and how the learning rate goes."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from mlfp.errors import ParameterError, nearest
from mlfp.training.settings import ScheduleSettings, TrainSettings

#: A learning rate's factor of its peak, from the number of steps done.
Factor = Callable[[int], float]
_KEY = ("train", "optimizer")


def optimizer_class(name: str) -> Callable[..., Optimizer]:
    """An optimizer of ``torch.optim``, else of ``timm.optim``, by its name in any case.

    :raises ParameterError: neither has it, or it cannot be driven step by step.
    """
    wanted = name.casefold().replace("-", "").replace("_", "")
    own = {key.casefold(): value for key, value in vars(torch.optim).items() if _is_optimizer(value)}
    if wanted in own:
        found: Callable[..., Optimizer] = own[wanted]
        return found
    import timm.optim

    others = timm.optim.list_optimizers()
    if wanted in others:
        theirs: Callable[..., Optimizer] = timm.optim.get_optimizer_class(wanted)
        return theirs
    known = sorted({*own, *others})
    raise ParameterError(
        f"unknown optimizer {name!r}",
        key=(*_KEY, "use"),
        hints=[*nearest(name, known), f"Those of torch.optim: {', '.join(sorted(own))}; and all of timm.optim."],
    )


def _is_optimizer(value: Any) -> bool:
    # LBFGS asks for the loss again and again within a step; a batch is augmented and mined once.
    return isinstance(value, type) and issubclass(value, Optimizer) and value not in (Optimizer, torch.optim.LBFGS)


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
    try:
        if "fused" in inspect.signature(made).parameters:
            # One pass over the weights instead of one for every term of the update: 1.0 instead of 4.4 ms for 600,000.
            keywords.setdefault("fused", True)
        return made([group for group in groups if group["params"]], **keywords)
    except (TypeError, ValueError) as error:
        names = [name for name in inspect.signature(made).parameters if name != "params"]
        hints = [f"Its arguments: {', '.join(names)}"]
        raise ParameterError(f"optimizer {settings.use} cannot be made: {error}", key=_KEY, hints=hints) from error


def _given(**keywords: Any) -> dict[str, Any]:
    return {name: value for name, value in keywords.items() if value is not None}


def rate_factor(settings: ScheduleSettings, *, steps: int, steps_per_epoch: int) -> Factor:
    """The learning rate's factor of its peak before each step: a pure function of the number of steps done.

    :param steps: of the whole training.
    """
    warmup = _warmup_steps(settings, steps, steps_per_epoch)

    def cosine(done: float, length: float) -> float:
        share = min(1.0, done / max(1.0, length))
        return settings.floor + (1 - settings.floor) * 0.5 * (1 + math.cos(math.pi * share))

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / (warmup + 1)
        if settings.use == "constant":
            return 1.0
        if settings.use == "cosine-restarts":
            period = max(1.0, settings.period * steps_per_epoch)
            return cosine((step - warmup) % period, period)
        return cosine(step - warmup, steps - warmup)

    return factor


def _warmup_steps(settings: ScheduleSettings, steps: int, steps_per_epoch: int) -> int:
    if settings.warmup is not None:
        return round(settings.warmup * steps_per_epoch)
    # 30 % is the share that torch.optim.lr_scheduler.OneCycleLR takes.
    return {"one-cycle": round(0.3 * steps), "cosine": min(steps_per_epoch, steps // 10)}.get(settings.use, 0)


def set_rate(optimizer: Optimizer, factor: float) -> None:
    """Set every group's learning rate to this factor of its peak."""
    for group in optimizer.param_groups:
        peak = group.setdefault("peak_lr", group["lr"])
        group["lr"] = peak * factor
