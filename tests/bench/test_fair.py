from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlfp.bench import engine, execute
from mlfp.bench.records import RunFolder
from mlfp.bench.results import BenchResult
from mlfp.errors import MlfpError, ParameterError, UsageError
from mlfp.report import markdown, saved

Config = dict[str, Any]
SEARCH = {
    "triplet": {"objective.0.loss.margin": {"low": 0.05, "high": 1}},
    "infonce": {"objective.0.loss.temperature": {"low": 0.02, "high": 0.5, "log": True}},
}


@pytest.fixture
def fair(comparison: Config) -> Config:
    """The small comparison, its two methods searched with three trials on two folds, and repeated twice."""
    protocol = {"use": "fair", "folds": 2, "trials": 3, "repeats": 2, "search": SEARCH}
    config = {**comparison, "name": "fair", "protocol": protocol, "compare_with": ["correlation", "untrained"]}
    del config["seeds"]
    return copy.deepcopy(config)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which it has run once."""
    return tmp_path_factory.mktemp("fair") / "fair"


def values(result: BenchResult) -> dict[str, float]:
    return {row.label: row.metrics["retrieval.map_at_r"].value for row in result.rows}


def test_every_method_has_the_same_budget_and_none_of_it_is_tested_on(fair: Config, shared: Path) -> None:
    lines: list[str] = []
    result = engine.bench(fair, out=shared, announce=lines.append)
    assert not result.failures
    told = result.protocol
    assert told["budget"] == "2 methods x (3 trials x 2 folds + 2 repeats x 2 folds) = 20 trainings"
    assert told["trainings"] == 20
    records = [record for path in shared.glob("runs/*") if (record := RunFolder(path).record()) is not None]
    kinds = [record.kind for record in records]
    assert (kinds.count("trial"), kinds.count("trained"), kinds.count("joined")) == (12, 8, 4)
    assert all(not record.evaluations for record in records if record.kind == "trial")
    assert all(record.evaluations for record in records if record.kind != "trial")
    assert {record.seed for record in records if record.kind == "trial"} == {0}
    assert {record.seed for record in records if record.kind == "trained"} == {1, 2}
    for label in SEARCH:
        found = told["search"][label]
        assert len(found["trials"]) == 3
        assert found["value"] == max(trial["value"] for trial in found["trials"])
        assert all(trial["value"] == np.mean(trial["folds"]) for trial in found["trials"])
    assert told["search"]["triplet"]["trials"][0]["parameters"] == {"objective.0.loss.margin": 0.2}
    assert any("left" in line for line in lines)
    assert lines[0].startswith("fair protocol: 2 methods x (3 trials x 2 folds")


def test_a_row_is_the_mean_of_its_folds_and_joined_folds_are_a_row_of_their_own(fair: Config, shared: Path) -> None:
    result = engine.bench(fair, out=shared)
    assert {row.label for row in result.rows} == {
        "triplet", "infonce", "triplet, concatenated", "infonce, concatenated", "correlation", "untrained", "outline",
    }  # fmt: skip
    key = result.evaluations["retrieval"]
    for row in result.rows:
        if row.kind in ("trained", "joined"):
            folders = [RunFolder(shared / "runs" / name) for name in row.runs]
            records = [folder.record() for folder in folders]
            found = np.array([record.evaluations[key]["metrics"]["map_at_r"]["value"] for record in records if record])
            by_seed = found.reshape(2, -1).mean(axis=1)
            assert row.seeds == 2
            assert row.metrics["retrieval.map_at_r"].value == pytest.approx(found.mean())
            assert row.spread["retrieval.map_at_r"] == pytest.approx(by_seed.std(ddof=1))
    groups = {row.label: row.group for row in result.rows}
    assert groups["triplet, concatenated"] == groups["infonce, concatenated"] == "concatenated"
    assert {(item.family) for item in result.comparisons} == {1, 10}


def test_joined_fingerprints_are_those_of_the_folds_side_by_side() -> None:
    parts = [np.array([[3.0, 4.0], [0, 2]]), np.array([[10.0], [-1]])]
    assert execute._joined(parts, "cosine").tolist() == [[0.6, 0.8, 1], [0, 1, -1]]
    assert execute._joined(parts, "l2").tolist() == [[3, 4, 10], [0, 2, -1]]


def test_running_again_does_no_work_and_gives_the_same(
    fair: Config, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = engine.bench(fair, out=shared)
    monkeypatch.setattr(execute, "train", None)
    lines: list[str] = []
    second = engine.bench(fair, out=shared, announce=lines.append)
    assert values(second) == values(first)
    assert second.protocol == first.protocol
    assert len(lines) == 1, "the budget, and nothing of what was done before"


def test_a_search_that_was_stopped_goes_on_to_the_same_end(
    fair: Config, shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = engine.bench(fair, out=shared)
    real, count = execute.train, 0

    def train(*arguments: Any, **keywords: Any) -> Any:
        nonlocal count
        count += 1
        if count == 6:
            raise KeyboardInterrupt
        return real(*arguments, **keywords)

    monkeypatch.setattr(execute, "train", train)
    with pytest.raises(KeyboardInterrupt):
        engine.bench(fair, out=tmp_path)
    again = engine.bench(fair, out=tmp_path)
    assert count == 6 + 20 - 5
    assert values(again) == values(whole)
    assert again.protocol["search"] == whole.protocol["search"]


def test_settings_that_diverge_are_a_failed_trial_and_not_tried_again(
    fair: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, refused = execute.train, 0

    def train(settings: Any, *arguments: Any, **keywords: Any) -> Any:
        nonlocal refused
        if settings.objective[0].loss.parameters.get("margin") == 0.2:
            refused += 1
            raise MlfpError("the loss is not finite")
        return real(settings, *arguments, **keywords)

    monkeypatch.setattr(execute, "train", train)
    result = engine.bench(fair, out=tmp_path, only="triplet")
    trials = result.protocol["search"]["triplet"]["trials"]
    assert trials[0]["failed"] == "the loss is not finite"
    assert trials[1]["failed"] is None
    assert not result.failures
    engine.bench(fair, out=tmp_path, only="triplet")
    assert refused == 2, "once a fold"


def test_a_method_whose_every_trial_fails_costs_the_others_nothing(
    fair: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = execute.train

    def train(settings: Any, *arguments: Any, **keywords: Any) -> Any:
        if settings.objective[0].loss.use == "triplet":
            raise MlfpError("the loss is not finite")
        return real(settings, *arguments, **keywords)

    monkeypatch.setattr(execute, "train", train)
    fair["protocol"].update(trials=1, repeats=1)
    result = engine.bench(fair, out=tmp_path)
    assert [(item.label, item.reason) for item in result.failures] == [
        ("triplet", "no trial of 'triplet' ended with a number")
    ]
    assert "infonce, concatenated" in values(result)


def test_what_has_nothing_to_tune_says_so_and_is_tried_once(fair: Config, tmp_path: Path) -> None:
    fair["protocol"]["search"] = {"infonce": {}, "triplet": SEARCH["triplet"]}
    result = engine.bench(fair, out=tmp_path, only="infonce")
    assert len(result.protocol["search"]["infonce"]["trials"]) == 1
    assert result.protocol["trainings"] == 2 + 4


def test_the_report_tells_of_the_search(fair: Config, shared: Path) -> None:
    result = engine.bench(fair, out=shared)
    saved.write(result)
    text = markdown.render(saved.read(shared))
    assert text == markdown.render(result)
    assert "Fair protocol: 2 methods x (3 trials x 2 folds" in text
    assert "## What was searched" in text
    assert "temperature 0.02 to 0.5 (log)" in text
    assert "Means over 2 seeds" in text


def test_check_tells_the_budget_and_runs_nothing(fair: Config, tmp_path: Path) -> None:
    result = engine.bench(fair, out=tmp_path / "none", check=True)
    assert "= 20 trainings" in result.protocol["budget"]
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"use": "unfair"}, "the protocol there is is 'fair'"),
        ({"trails": 3}, "unknown key 'trails'"),
        ({"folds": 1}, "folds should be 2 or more"),
        ({"search": {"triplet": {}}}, "nothing is searched of 'infonce'"),
        ({"search": {**SEARCH, "triplit": {}}}, "no method is called 'triplit'"),
        ({"search": {"*": {"objective.0.loss.margin": {"low": 2, "high": 1}}}}, "low should be below high"),
        ({"search": {"*": {"objective.3.loss.margin": [1, 2]}}}, "is no field of the method"),
        ({"search": {"*": {"train.epochs": [1, "many"]}}}, "epochs"),
        ({"search": {"*": {"objective.0.loss.marginn": [0.1, 0.2]}}}, "has no parameter 'marginn'"),
        ({"folds": 30}, "cannot be shared out to 30 folds"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_trained(
    change: Config, message: str, fair: Config, tmp_path: Path
) -> None:
    fair["protocol"].update(change)
    with pytest.raises(UsageError, match=message):
        engine.bench(fair, out=tmp_path)
    assert not list(tmp_path.glob("runs/*"))


def test_methods_that_differ_in_more_than_what_is_compared_are_refused(fair: Config) -> None:
    config = {**fair, "grid": None, "runs": {name: {"distance": name} for name in ("cosine", "l2")}}
    config["protocol"]["search"] = {"*": {}}
    with pytest.raises(ParameterError, match="differ in 'distance', so their comparison would not be fair"):
        engine.bench(config, check=True)
    config["protocol"]["vary"] = ["objective", "distance"]
    assert engine.bench(config, check=True).name == "fair"


def test_seeds_are_the_protocols_own(fair: Config) -> None:
    with pytest.raises(ParameterError, match="a protocol chooses the seeds"):
        engine.bench({**fair, "seeds": [0, 1]}, check=True)


def test_evaluations_are_on_the_test_side(fair: Config) -> None:
    with pytest.raises(
        ParameterError, match="a protocol's evaluations are on the test side, and 'retrieval' is on val"
    ):
        engine.bench({**fair, "evaluate": [{"use": "retrieval", "side": "val"}]}, check=True)


def test_smoke_makes_it_tiny(fair: Config, tmp_path: Path) -> None:
    result = engine.bench(fair, out=tmp_path, smoke=True, only="infonce")
    assert result.protocol["trainings"] == 2 * 2 + 2
