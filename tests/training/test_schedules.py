"""Weights over time: DeepBrainPrint's equations 8 to 10."""

from __future__ import annotations

import pytest

from mlfp.errors import ParameterError
from mlfp.training import schedules


def over(value: object, epochs: int = 180) -> list[float]:
    schedule = schedules.parse(value)
    return [schedule(epoch, epochs) for epoch in range(epochs)]


def test_a_number_is_constant_even_as_text() -> None:
    assert over(0.5) == over({"schedule": "constant", "value": 0.5}) == [0.5] * 180
    assert over("1e-3")[0] == 1e-3


def test_linear_is_equation_10() -> None:
    assert over({"schedule": "linear"}) == [1 - t / 180 for t in range(180)]


def test_a_pair_of_linear_weights_adds_up_to_one() -> None:
    falling, rising = over({"schedule": "linear"}), over({"schedule": "linear", "start": 0, "end": 1})
    assert [a + b for a, b in zip(falling, rising, strict=True)] == pytest.approx([1.0] * 180)


def test_linear_over_fewer_epochs_stays_at_its_end() -> None:
    assert over({"schedule": "linear", "over": 2}, 5) == [1.0, 0.5, 0.0, 0.0, 0.0]


def test_step_is_equation_8() -> None:
    assert over({"schedule": "step"}) == [1.0] * 30 + [0.0] * 150


def test_iterative_is_equation_9_and_starts_with_one() -> None:
    assert over({"schedule": "iterative"}) == ([1.0] * 30 + [0.0] * 30) * 3


@pytest.mark.parametrize(
    ("value", "message", "key"),
    [
        ({"schedule": "linaer"}, r"unknown schedule 'linaer'[\s\S]*Did you mean: linear", ("schedule",)),
        ({"start": 1}, "needs 'schedule'", ()),
        ({"schedule": "linear", "stop": 1}, r"no parameter 'stop'[\s\S]*It takes: start, end, over", ("stop",)),
        ({"schedule": "step", "at": 1.5}, "at should be a whole number", ("at",)),
        ({"schedule": "step", "at": 0}, "at least 1 epoch", ("at",)),
        ({"schedule": "constant"}, "needs value", ()),
        ({"schedule": ["linear"]}, "unknown schedule", ("schedule",)),
        ("much", "should be a number", ()),
        (True, "should be a number", ()),
        (float("nan"), "should be a number", ()),
        (None, "should be a number", ()),
    ],
)
def test_mistakes_are_named(value: object, message: str, key: tuple[str, ...]) -> None:
    with pytest.raises(ParameterError, match=message) as caught:
        schedules.parse(value)
    assert caught.value.key == key
