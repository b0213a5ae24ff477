from __future__ import annotations

from pathlib import Path

import pytest

from mlfp.bench.source import Source
from mlfp.errors import ParameterError, UsageError

TEXT = """\
name: x
base:
  train: {epochs: 5,
          optimizer: {lr: 1e-3}}
grid:
  objective:
    a: [{loss: triplet}]
"""


def test_every_value_knows_its_line() -> None:
    source = Source.of_text(TEXT, "c.yaml")
    assert source.data["base"]["train"]["epochs"] == 5
    assert source.where(("base", "train", "epochs")) == "c.yaml:3  base.train.epochs"
    assert source.where(("base", "train", "optimizer", "lr")) == "c.yaml:4  base.train.optimizer.lr"
    assert source.where(("grid", "objective", "a", 0, "loss")) == "c.yaml:7  grid.objective.a.0.loss"


def test_a_missing_value_is_placed_at_what_surrounds_it() -> None:
    assert Source.of_text(TEXT, "c.yaml").where(("base", "encoder")) == "c.yaml:2  base.encoder"


def test_an_error_is_placed_once() -> None:
    source = Source.of_text(TEXT, "c.yaml")
    error = source.locate(ParameterError("wrong", key=("epochs",)), ("base", "train"))
    assert str(error) == "wrong\n  c.yaml:3  base.train.epochs"


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("a: 1\non: 2\n", "YAML reads the key 'on' as True", "c.yaml:2"),
        ("a: 1\nb: 2\na: 3\n", "'a' is given twice", "c.yaml:3"),
        ("a: [1\nb: 2\n", "not valid YAML", "c.yaml:2"),
        ("- 1\n", "a configuration is a mapping", "c.yaml"),
        ("a: 1\n? [b]\n: 2\n", "a key must be text", "c.yaml:2"),
        ("a: \x00\n", "not valid YAML: unacceptable character", "c.yaml"),
    ],
)
def test_what_is_no_configuration_is_said_with_its_line(text: str, message: str, line: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        Source.of_text(text, "c.yaml")
    assert str(caught.value.where) == line


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no configuration"):
        Source.of_file(tmp_path / "none.yaml")


def test_overrides_are_yaml_values_at_dotted_keys() -> None:
    source = Source.of_text(TEXT, "c.yaml")
    source.override({"base.train.epochs": "7", "grid.objective.a.0.loss": "{use: infonce}", "new.key": "[1, 2]"})
    assert source.data["base"]["train"]["epochs"] == 7
    assert source.data["grid"]["objective"]["a"][0]["loss"] == {"use": "infonce"}
    assert source.data["new"] == {"key": [1, 2]}


@pytest.mark.parametrize("key", ["name.x", "grid.objective.a.9", "grid.objective.a.z.y"])
def test_an_override_through_no_mapping_is_refused(key: str) -> None:
    with pytest.raises(UsageError, match="is no key of"):
        Source.of_text(TEXT, "c.yaml").override({key: "1"})


def test_anchors_and_merges_work() -> None:
    source = Source.of_text("a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}\n", "c.yaml")
    assert source.data["b"] == {"p": 1, "q": 3}


def test_a_wrong_override_is_placed_at_the_option_that_gave_it() -> None:
    source = Source.of_text(TEXT, "c.yaml")
    source.override({"base.train": "{epochs: x}"})
    assert source.where(("base", "train", "epochs")) == "--set base.train={epochs: x}  base.train.epochs"
    assert source.where(("grid", "objective", "a")) == "c.yaml:7  grid.objective.a"


def test_values_given_from_python_stay_as_they_were() -> None:
    given = {"base": {"train": {"epochs": 5}}}
    source = Source.of_mapping(given)
    source.override({"base.train.epochs": "7"})
    assert source.data["base"]["train"]["epochs"] == 7
    assert given == {"base": {"train": {"epochs": 5}}}


def test_the_copy_of_a_configuration_says_what_was_changed_in_it() -> None:
    source = Source.of_text(TEXT, "c.yaml")
    assert source.as_run() == TEXT
    source.replace("data", {"use": "manifest", "path": "scans.csv"}, "--data scans.csv")
    source.override({"base.train.epochs": "7"})
    text = source.as_run()
    assert text.splitlines()[:2] == ["# c.yaml, with --data scans.csv --set base.train.epochs=7", "name: x"]
    assert Source.of_text(text, "copy").data == source.data
