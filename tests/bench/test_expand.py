from __future__ import annotations

from typing import Any

import pytest

from mlfp.bench.expand import variants
from mlfp.errors import ParameterError

BASE: dict[str, Any] = {"encoder": {"use": "a", "width": 1}, "train": {"epochs": 5, "clip": 1}, "batch": {"scans": 2}}


def test_the_base_alone_is_one_method() -> None:
    (only,) = variants({"base": {**BASE, "objective": [{"loss": {"use": "triplet"}}, {"loss": "infonce"}]}})
    assert only.label == "triplet + infonce"


def test_grid_is_a_product_and_names_its_methods() -> None:
    data = {"base": BASE, "grid": {"encoder": {"small": "a", "large": {"use": "b"}}, "batch.scans": [2, 3]}}
    found = variants(data)
    assert [item.label for item in found] == [
        "small · scans=2",
        "small · scans=3",
        "large · scans=2",
        "large · scans=3",
    ]
    assert found[3].settings["encoder"] == {"use": "b"}
    assert found[3].settings["batch"] == {"scans": 3}
    assert found[3].keys["encoder"] == ("grid", "encoder", "large")


def test_zip_pairs_lists() -> None:
    data = {"base": BASE, "zip": {"encoder": ["a", "b"], "batch.scans": [2, 3]}}
    assert [item.label for item in variants(data)] == ["a · scans=2", "b · scans=3"]


def test_runs_change_fields_and_merge_plain_mappings() -> None:
    found = variants(
        {"base": BASE, "runs": {"plain": None, "short": {"train": {"epochs": 1}, "encoder": {"use": "b"}}}}
    )
    assert [item.label for item in found] == ["plain", "short"]
    assert found[1].settings["train"] == {"epochs": 1, "clip": 1}
    assert found[1].settings["encoder"] == {"use": "b"}, "components are replaced, not merged"
    assert found[0].settings == BASE


def test_the_base_is_not_touched_by_its_variants() -> None:
    before = repr(BASE)
    variants({"base": BASE, "grid": {"train.epochs": [1, 2]}})
    assert repr(BASE) == before


def test_numbers_count_the_items_of_lists() -> None:
    weight = {"schedule": "step", "at": 30}
    base = {**BASE, "objective": [{"loss": "a", "weight": weight}, {"loss": "b", "weight": dict(weight)}]}
    found = variants({"base": base, "grid": {"objective.0.weight.at": [10, 20], "objective.1": [{"miner": "m"}]}})
    assert [item.settings["objective"][0]["weight"]["at"] for item in found] == [10, 20]
    assert found[0].settings["objective"][1] == {"loss": "b", "weight": weight, "miner": "m"}
    assert found[0].label.startswith("at=10")


def test_a_zip_that_says_one_thing_of_several_fields_names_it_once() -> None:
    base = {**BASE, "objective": [{"loss": "a", "weight": {"at": 1}}, {"loss": "b", "weight": {"at": 1}}]}
    pair = {"objective.0.weight.at": [10, 20], "objective.1.weight.at": [10, 20]}
    found = variants({"base": base, "zip": pair})
    assert [item.label for item in found] == ["at=10", "at=20"]
    assert [[term["weight"]["at"] for term in item.settings["objective"]] for item in found] == [[10, 10], [20, 20]]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"grid": {"encoder": {"use": "a"}}}, "should be a list of values or a mapping of labels"),
        ({"zip": {"encoder": ["a"], "distance": ["cosine", "l2"]}}, "equally long, got encoder 1, distance 2"),
        ({"grid": {"encoder": ["a", "a"]}}, "two methods are labelled 'a'"),
        ({"grid": []}, None),
        ({"grid": [1]}, "grid should be a mapping"),
        ({"base": {"encoder": "a"}, "grid": {"encoder.width": [1]}}, "'encoder' is no mapping"),
        ({"base": {"objective": [{}]}, "grid": {"objective.1.weight": [1]}}, "'1' counts no item of a list of 1"),
        ({"base": {"objective": [{}]}, "grid": {"objective.first": [1]}}, "'first' counts no item"),
    ],
)
def test_what_cannot_be_expanded_is_said(data: dict[str, Any], message: str | None) -> None:
    if message is None:
        assert len(variants(data)) == 1
        return
    with pytest.raises(ParameterError, match=message):
        variants(data)
