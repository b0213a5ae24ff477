from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import mlfp
from mlfp.cli import app
from mlfp.errors import UsageError

Config = dict[str, Any]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("duel")


@pytest.fixture
def old(comparison: Config, folders: Path) -> Path:
    """A finished comparison of three scorers."""
    config = {**comparison, "base": None, "grid": None, "compare_with": ["correlation", "ssim"]}
    mlfp.bench(config, out=folders / "old")
    return folders / "old"


@pytest.fixture
def new(comparison: Config, folders: Path) -> Path:
    """Another of two of them, on part of the subjects, and on pictures that were prepared differently."""
    config = {
        **comparison,
        "base": None,
        "grid": None,
        "compare_with": ["correlation"],
        "split": {"test": 0.2, "val": 0.2},
    }
    mlfp.bench({**config, "preprocess": []}, out=folders / "new")
    return folders / "new"


def test_two_methods_of_one_comparison(old: Path) -> None:
    found = mlfp.compare(f"{old}:correlation", f"{old}:outline", metrics=["retrieval.*"])
    assert {(item.first, item.second) for item in found.comparisons} == {("correlation", "outline")}
    result = mlfp.report(old)
    values = {row.label: row.metrics["retrieval.map_at_r"].value for row in result.rows}
    item = next(item for item in found.comparisons if item.metric == "retrieval.map_at_r")
    assert item.difference == pytest.approx(values["correlation"] - values["outline"])
    assert item.verdict == "higher"
    assert not found.notes
    assert {item.metric for item in found.comparisons} >= {"retrieval.hit_at_1", "retrieval.r_precision"}


def test_two_comparisons_method_by_method_on_the_queries_that_they_share(old: Path, new: Path) -> None:
    found = mlfp.compare(old, new)
    assert [(item.first, item.second) for item in found.comparisons] == [
        ("old: correlation", "new: correlation"),
        ("old: outline", "new: outline"),
    ]
    assert {item.family for item in found.comparisons} == {2}
    assert all(0 < item.queries < 30 for item in found.comparisons)
    assert any("queries in common" in note for note in found.notes)
    assert any("galleries may differ" in note for note in found.notes)


def test_a_comparison_that_was_moved_is_still_one(old: Path, tmp_path: Path) -> None:
    shutil.copytree(old, tmp_path / "a:b")
    found = mlfp.compare(f"{tmp_path / 'a:b'}:correlation", old)
    assert (found.comparisons[0].difference, found.comparisons[0].verdict) == (0, "none")


def test_what_cannot_be_compared_is_said(old: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="compared with itself"):
        mlfp.compare(old, old)
    with pytest.raises(UsageError, match="has no method 'correlatoin'") as caught:
        mlfp.compare(f"{old}:correlatoin", f"{old}:outline")
    assert "Did you mean: correlation?" in str(caught.value)
    with pytest.raises(UsageError, match="no metric that both sides have"):
        mlfp.compare(f"{old}:correlation", f"{old}:outline", metrics=["retrieval.hits"])
    with pytest.raises(UsageError, match="no finished comparison"):
        mlfp.compare(old, tmp_path)
    shutil.copy(old / "result.json", tmp_path)
    with pytest.raises(UsageError, match="does not hold the values of single queries"):
        mlfp.compare(f"{tmp_path}:correlation", f"{old}:outline")


def test_the_command_says_it_in_words_and_in_json(old: Path) -> None:
    runner = CliRunner()
    shown = runner.invoke(app.application, ["compare", f"{old}:correlation", f"{old}:outline"])
    assert shown.exit_code == 0, shown.output
    assert "correlation is higher than outline: +0." in " ".join(shown.stdout.split())
    assert "taken as independent" in " ".join(shown.stdout.split())
    told = runner.invoke(app.application, ["compare", f"{old}:correlation", f"{old}:outline", "--json"])
    assert '"verdict": "higher"' in told.stdout


def test_gates_compare_with_an_earlier_result(comparison: Config, old: Path, tmp_path: Path) -> None:
    import yaml

    config = {**comparison, "base": None, "grid": None, "compare_with": ["correlation", "ssim"]}
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    line = ["-q", "bench", str(tmp_path / "c.yaml"), "-o", str(old), "--fail-if-worse", "retrieval.map_at_r=0.01"]
    runner = CliRunner()
    assert runner.invoke(app.application, [*line, "--against", str(old)]).exit_code == 0
    better = mlfp.report(old).to_json()
    for row in better["rows"]:
        row["metrics"]["retrieval.map_at_r"]["value"] += 0.1
    from mlfp.bench.records import to_json

    kept = {"result": {**better, "description": "", "metrics": ["retrieval.map_at_r"]}}
    (tmp_path / "kept.json").write_text(to_json(kept), encoding="utf-8")
    shown = runner.invoke(app.application, [*line, "--against", str(tmp_path / "kept.json")])
    assert shown.exit_code == 4
    assert "is worse than it was by more than 0.01" in shown.stderr
    assert runner.invoke(app.application, line).exit_code == 2, "against what?"
