from __future__ import annotations

from typing import Any

import optuna
import pytest

from mlfp.bench.space import Range, ends, placed, present
from mlfp.errors import ParameterError

SETTINGS = {"objective": [{"loss": {"use": "triplet", "margin": 0.2}}], "train": {"epochs": 3, "clip": None}}


def test_values_are_put_at_dotted_fields_and_the_settings_stay() -> None:
    found = placed(SETTINGS, {"objective.0.loss.margin": 0.5, "train.clip": 1, "train.optimizer.lr": 0.1})
    assert found["objective"][0]["loss"] == {"use": "triplet", "margin": 0.5}
    assert found["train"] == {"epochs": 3, "clip": 1, "optimizer": {"lr": 0.1}}
    assert SETTINGS["objective"][0]["loss"]["margin"] == 0.2  # type: ignore[index]


@pytest.mark.parametrize("field", ["objective.1.loss.margin", "train.epochs.x", "objective.loss"])
def test_a_field_that_does_not_exist_is_named(field: str) -> None:
    with pytest.raises(ParameterError, match=f"{field} is no field"):
        placed(SETTINGS, {field: 1})


def test_what_is_there_is_tried_first_and_what_is_beyond_is_not() -> None:
    space = {
        "objective.0.loss.margin": Range(0.1, 1),
        "train.epochs": Range(5, 9),
        "train.clip": Range(choices=(None, 1)),
        "objective.0.loss.gone": Range(0, 1),
        "objective.0.loss": Range(choices=("infonce", {"use": "triplet", "margin": 0.2})),
        "train.schedule": Range(choices=("constant", "cosine")),
    }
    settings = {**SETTINGS, "train": {**SETTINGS["train"], "schedule": {"use": "cosine"}}}  # type: ignore[dict-item]
    assert present(settings, space) == {
        "objective.0.loss.margin": 0.2, "train.clip": 0, "objective.0.loss": 1, "train.schedule": 1,
    }  # fmt: skip


def test_whole_numbers_between_0_and_1_are_not_meant_unless_it_is_said() -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    values = [Range.parse({"low": 0, "high": 1}).suggest(study.ask(), "a") for _ in range(5)]
    assert all(0 < value < 1 for value in values)


def test_a_study_gets_numbers_within_the_range_and_values_of_the_list() -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    ranges = {
        "a": Range.parse({"low": "1e-3", "high": 1, "log": True}),
        "b": Range.parse({"low": 2, "high": 4, "whole": True}),
    }
    lists = Range.parse([{"use": "x"}, {"use": "y"}])
    seen: dict[str, set[Any]] = {"a": set(), "b": set(), "c": set()}
    for _ in range(40):
        trial = study.ask()
        for name, item in ranges.items():
            seen[name].add(item.suggest(trial, name))
        seen["c"].add(lists.suggest(trial, "c")["use"])
        study.tell(trial, 0)
    assert all(0.001 <= value <= 1 for value in seen["a"])
    assert seen["b"] == {2, 3, 4}
    assert seen["c"] == {"x", "y"}


def test_every_end_is_checked_once_with_the_others_in_place() -> None:
    space = {"a": Range(0, 1), "b": Range(choices=("x", "y", "z"))}
    found = list(ends(space))
    assert found == [{"a": a, "b": "x"} for a in (0, 0.5, 1)] + [{"a": 0, "b": b} for b in "xyz"]
    assert list(ends({})) == []


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0.5, "expected a range or a list"),
        ([1], "expected a range or a list"),
        ({"low": 1}, "expected a range"),
        ({"low": 2, "high": 1}, "low should be below high"),
        ({"low": 0, "high": 1, "log": True}, "above 0, for log"),
        ({"low": 0, "high": 1, "logg": True}, "unknown key 'logg'"),
        ({"low": "a", "high": 1}, "low should be a number"),
        ({"low": 0.5, "high": 2, "whole": True}, "should be whole numbers"),
        ({"low": 0, "high": 1, "log": "yes"}, "log should be true or false"),
        ({"low": True, "high": 2}, "low should be a number"),
    ],
)
def test_what_is_wrong_with_a_range_is_said(value: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        Range.parse(value)
