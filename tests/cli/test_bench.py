from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import mlfp.api
from mlfp.bench.results import BenchResult, Row, RunFailure
from mlfp.cli import app
from mlfp.types.estimate import Estimate

RESULT = BenchResult(
    name="losses",
    folder=Path("results/losses"),
    rows=[
        Row("triplet", "trained", 1, {"retrieval.map_at_r": Estimate(0.9, 0.85, 0.95, 42)}, {}, 38.0, 1000),
        Row("outline", "scorer", 1, {"retrieval.map_at_r": Estimate(0.2, 0.15, 0.25, 42)}, {}, 1.0),
    ],
    failures=[],
    rank_by="retrieval.map_at_r",
)
FAILED = replace(RESULT, failures=[RunFailure("infonce", 0, "not finite", Path("x.txt"))])


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the command asks of ``mlfp.bench``, which answers with ``asked["result"]``."""
    seen: dict[str, Any] = {"result": RESULT}

    def bench(config: Path | None, **options: Any) -> BenchResult:
        seen.update(options, config=config)
        options["announce"]("1/2 triplet: done")
        return seen["result"]  # type: ignore[no-any-return]

    monkeypatch.setattr(mlfp.api, "bench", bench)
    return seen


def _run(*args: str) -> Result:
    return CliRunner().invoke(app.application, ["bench", *args])


def test_results_go_to_stdout_and_progress_to_stderr(asked: dict[str, Any]) -> None:
    shown = _run()
    assert shown.exit_code == 0
    assert "0.850-0.950" in shown.stdout
    assert "1/2 triplet: done" in shown.stderr
    assert "1/2 triplet: done" not in shown.stdout


def test_options_are_passed_on(asked: dict[str, Any]) -> None:
    _run("c.yaml", "--data", "scans.csv", "-o", "out", "--set", "base.train.epochs=5", "--only", "t*", "--smoke")
    assert asked["config"] == Path("c.yaml")
    assert asked["data"] == "scans.csv"
    assert asked["out"] == Path("out")
    assert asked["overrides"] == {"base.train.epochs": "5"}
    assert (asked["only"], asked["smoke"], asked["check"]) == ("t*", True, False)


def test_json_is_all_there_is_on_stdout(asked: dict[str, Any]) -> None:
    shown = json.loads(_run("--json").stdout)
    assert shown["rows"][0]["label"] == "triplet"
    assert shown["folder"] == "results/losses"


def test_some_failed_runs_make_exit_code_3(asked: dict[str, Any]) -> None:
    asked["result"] = FAILED
    shown = _run()
    assert shown.exit_code == 3
    assert "not finite (infonce, seed 0)" in shown.stdout


def test_nothing_but_failed_runs_make_exit_code_1(asked: dict[str, Any]) -> None:
    asked["result"] = replace(FAILED, rows=[])
    assert _run().exit_code == 1
    assert _run("--fail-under", "retrieval.map_at_r=0.5").exit_code == 1


@pytest.mark.parametrize(("least", "code"), [("0.9", 0), ("0.91", 4)])
def test_the_gate_is_the_best_method(least: str, code: int, asked: dict[str, Any]) -> None:
    assert _run("--fail-under", f"retrieval.map_at_r={least}").exit_code == code


def test_a_gate_that_holds_does_not_hide_failed_runs(asked: dict[str, Any]) -> None:
    asked["result"] = FAILED
    assert _run("--fail-under", "retrieval.map_at_r=0.1").exit_code == 3
    assert _run("--fail-under", "retrieval.map_at_r=0.95").exit_code == 4


@pytest.mark.parametrize("text", ["retrieval.map_at_r", "=0.5", "retrieval.map_at_r=high"])
def test_a_malformed_gate_is_refused_before_any_work(text: str, asked: dict[str, Any]) -> None:
    assert _run("--fail-under", text).exit_code == 2
    assert "config" not in asked


def test_a_gate_on_a_metric_that_nobody_has_names_the_nearest(asked: dict[str, Any]) -> None:
    shown = _run("--fail-under", "retrieval.map_at_rr=0.5")
    assert shown.exit_code == 2
    assert "Did you mean: retrieval.map_at_r?" in shown.stderr


def test_a_malformed_override_is_a_usage_error(asked: dict[str, Any]) -> None:
    shown = _run("--set", "epochs")
    assert shown.exit_code == 2
    assert "KEY=VALUE" in shown.stderr
