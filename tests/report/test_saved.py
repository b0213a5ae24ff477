from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mlfp.bench.results import BenchResult
from mlfp.errors import UsageError
from mlfp.report import markdown, saved
from mlfp.types.estimate import Estimate

Make = Callable[..., BenchResult]


def test_what_is_read_renders_as_what_was_written(make_result: Make, tmp_path: Path) -> None:
    result = replace(make_result(seeds=2, failures=True, pairs=True), folder=tmp_path)
    saved.write(result)
    assert markdown.render(saved.read(tmp_path)) == markdown.render(result)
    assert (tmp_path / "report.md").read_text(encoding="utf-8") == markdown.render(result)


def test_a_value_that_is_no_number_survives(make_result: Make, tmp_path: Path) -> None:
    result = replace(make_result(), folder=tmp_path)
    result.rows[0].metrics["retrieval.map_at_r"] = Estimate(math.nan, math.nan, math.nan, 0)
    saved.write(result)
    assert math.isnan(saved.read(tmp_path).rows[0].metrics["retrieval.map_at_r"].value)


def test_another_metric_can_rank(make_result: Make, tmp_path: Path) -> None:
    saved.write(replace(make_result(), folder=tmp_path))
    assert saved.read(tmp_path, rank_by="retrieval.hit_at_5").rank_by == "retrieval.hit_at_5"
    with pytest.raises(UsageError, match=r"Did you mean: retrieval\.hit_at_5"):
        saved.read(tmp_path, rank_by="retrieval.hit_at_55")


@pytest.mark.parametrize("text", ["", "{}", "[]", "not json", json.dumps({"name": "x"})])
def test_a_file_that_is_no_result_is_an_error_that_says_so(text: str, tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"result\.json"):
        saved.read(tmp_path)


def test_a_folder_without_results_is_an_error_that_tells_where_they_are_made(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="mlfp bench"):
        saved.read(tmp_path)


def test_where_only_some_methods_were_run_it_says_how_to_run_the_others(tmp_path: Path) -> None:
    (tmp_path / "results.jsonl").write_text("{}\n")
    (tmp_path / "command.txt").write_text("mlfp bench losses.yaml\n")
    with pytest.raises(UsageError) as refused:
        saved.read(tmp_path)
    assert f"mlfp bench losses.yaml -o {tmp_path}" in " ".join(refused.value.hints)
