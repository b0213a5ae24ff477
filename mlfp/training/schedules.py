"""Weights that change while training goes on: pure functions of the epoch, so that a resumed run needs no state.

Written ``weight: 0.5`` or ``weight: {schedule: linear, start: 1, end: 0}``. The four shapes are those that
DeepBrainPrint compares (appendix B.1, equations 8 to 10); with t its epoch and H the number of epochs, its
``beta(t)`` is ``{schedule: linear}``, and ``1 - beta(t)`` is ``{schedule: linear, start: 0, end: 1}``.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from mlfp.errors import ParameterError, nearest


class Schedule(Protocol):
    """A weight by epoch."""

    def __call__(self, epoch: int, epochs: int) -> float:
        """The weight in this epoch, counted from 0, of a training of so many."""
        ...


@dataclass(frozen=True)
class Constant:
    """Always the same."""

    value: float

    def __call__(self, epoch: int, epochs: int) -> float:
        """The value."""
        return self.value


@dataclass(frozen=True)
class Linear:
    """``start + (end - start) t / H`` (equation 10 has 1 and 0). The last epoch is one step short of ``end``.

    :param over: H; None means all epochs of the training. ``end`` from there on.
    """

    start: float = 1.0
    end: float = 0.0
    over: int | None = None

    def __post_init__(self) -> None:
        _at_least_one("over", self.over)

    def __call__(self, epoch: int, epochs: int) -> float:
        """The weight on the line."""
        return self.start + (self.end - self.start) * min(1.0, epoch / (self.over or max(epochs, 1)))


@dataclass(frozen=True)
class Step:
    """``before`` while t < ``at``, ``after`` from then on (equation 8 has 1, 0 and delta = 30)."""

    before: float = 1.0
    after: float = 0.0
    at: int = 30

    def __post_init__(self) -> None:
        _at_least_one("at", self.at)

    def __call__(self, epoch: int, epochs: int) -> float:
        """The weight on this side of the step."""
        return self.before if epoch < self.at else self.after


@dataclass(frozen=True)
class Iterative:
    """``first`` while floor(t / ``every``) is even, else ``second`` (equation 9 has 1, 0 and 30)."""

    first: float = 1.0
    second: float = 0.0
    every: int = 30

    def __post_init__(self) -> None:
        _at_least_one("every", self.every)

    def __call__(self, epoch: int, epochs: int) -> float:
        """The weight of this stretch."""
        return self.first if (epoch // self.every) % 2 == 0 else self.second


SCHEDULES: dict[str, type[Constant | Linear | Step | Iterative]] = {
    "constant": Constant,
    "linear": Linear,
    "step": Step,
    "iterative": Iterative,
}


def parse(value: object) -> Schedule:
    """Read a weight: a number, or a mapping with ``schedule``.

    :raises ParameterError: an unknown schedule or parameter, or a value that is no number.
    """
    if isinstance(value, Mapping):
        return _parse_mapping(value)
    return Constant(_number("the weight", value, ()))


def _parse_mapping(value: Mapping[str, Any]) -> Schedule:
    name = value.get("schedule")
    if not isinstance(name, str) or name not in SCHEDULES:
        raise ParameterError(
            f"unknown schedule {name!r}"
            if "schedule" in value
            else f"a weight's mapping needs 'schedule': {dict(value)}",
            key=("schedule",) if "schedule" in value else (),
            hints=[*nearest(str(name), SCHEDULES), f"Known: {', '.join(SCHEDULES)}"],
        )
    shape = SCHEDULES[name]
    fields = {item.name: item for item in dataclasses.fields(shape)}
    arguments: dict[str, Any] = {}
    for key, item in value.items():
        if key == "schedule":
            continue
        if key not in fields:
            raise ParameterError(
                f"schedule {name!r} has no parameter {key!r}",
                key=(key,),
                hints=[*nearest(str(key), fields), f"It takes: {', '.join(fields)}"],
            )
        arguments[key] = _number(key, item, (key,), whole="int" in str(fields[key].type))
    missing = [key for key, item in fields.items() if item.default is dataclasses.MISSING and key not in arguments]
    if missing:
        raise ParameterError(f"schedule {name!r} needs {', '.join(missing)}")
    return shape(**arguments)


def _number(name: str, value: object, key: tuple[str, ...], *, whole: bool = False) -> float:
    """The value as a number; text that is one counts, for YAML reads ``1e-3`` as text."""
    try:
        number = float("nan") if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = float("nan")
    if not math.isfinite(number) or (whole and number != int(number)):
        wanted = "a whole number" if whole else "a number, or a mapping with 'schedule'"
        raise ParameterError(f"{name} should be {wanted}, got {value!r}", key=key)
    return int(number) if whole else number


def _at_least_one(name: str, value: int | None) -> None:
    if value is not None and value < 1:
        raise ParameterError(f"{name} should be at least 1 epoch, got {value}", key=(name,))
