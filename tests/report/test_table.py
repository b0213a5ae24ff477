from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from mlfp.bench.results import BenchResult
from mlfp.report.table import print_result, render
from mlfp.types.estimate import Estimate

Make = Callable[..., BenchResult]


def _text(result: BenchResult, width: int) -> str:
    stream = io.StringIO()
    print_result(result, Console(file=stream, width=width, highlight=False))
    return stream.getvalue()


@pytest.mark.parametrize("width", [40, 60, 80, 100, 160])
def test_no_row_is_wider_than_the_terminal_or_broken_in_two(make_result: Make, width: int) -> None:
    lines = _text(make_result(seeds=3), width).splitlines()
    assert max(map(len, lines)) <= width
    assert sum("0.900" in line for line in lines) == 1
    assert sum(line.startswith("ssim") for line in lines) == 1


def test_the_ranked_metric_and_its_interval_stay_when_columns_are_dropped(make_result: Make) -> None:
    narrow, wide = _text(make_result(), 60), _text(make_result(), 160)
    for text in (narrow, wide):
        assert "map_at_r" in text
        assert "0.850-0.950" in text
    assert "recall_at_1_shot" in wide
    assert "recall_at_1_shot" not in narrow
    assert "More columns" in narrow
    assert "More columns" not in wide


def test_deviation_over_seeds_shows_only_when_there_are_several(make_result: Make) -> None:
    assert "±0.012" in _text(make_result(seeds=3), 100)
    assert "±" not in _text(make_result(seeds=1), 100)


def test_a_long_name_folds_instead_of_pushing_numbers_out(make_result: Make) -> None:
    text = _text(make_result(labels="a very long name of a method that varies in everything"), 60)
    assert "0.900" in text
    assert max(map(len, text.splitlines())) <= 60


def test_what_was_not_measured_and_what_failed_is_said_with_the_reason(make_result: Make) -> None:
    text = " ".join(_text(make_result(failures=True), 80).split())
    assert "Not measured: model-only: needs model (untrained)" in text
    assert "Failed: the loss is not finite (infonce, seed 1)" in text
    assert "42 subjects with 126 scans" in text
    assert "Please cite: Gaspar Alves et al. 2025" in text


def test_what_is_no_merit_is_said_and_not_ranked(make_result: Make) -> None:
    result = make_result()
    for share, said in ((0.25, True), (0.0, False)):
        result.rows[0].metrics["retrieval.lone_queries"] = Estimate(share, 0, 1, 126)
        text = " ".join(_text(result, 160).split())
        assert "lone_queries" not in text
        assert ("retrieval: 25% of the queries have no other scan" in text) == said


def test_a_result_without_rows_still_says_what_failed(make_result: Make) -> None:
    full = make_result(failures=True)
    empty = BenchResult(full.name, full.folder, [], full.failures, full.rank_by)
    assert "Failed: the loss is not finite" in _text(empty, 80)


def test_no_colour_is_asked_for_where_none_is_wanted(make_result: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    stream = io.StringIO()
    Console(file=stream, width=80, force_terminal=True, highlight=False).print(render(make_result(), width=80))
    codes = {part.split("m")[0] for part in stream.getvalue().split("\x1b[")[1:]}
    assert codes <= {"0", "1", "2"}  # bold and dim at most


def test_it_points_at_a_report_only_where_there_is_one(make_result: Make, tmp_path: Path) -> None:
    result = replace(make_result(), folder=tmp_path)
    assert "none is written with --only" in " ".join(_text(result, 60).split())
    (tmp_path / "report.html").write_text("")
    assert "pictures: report.html in the folder" in " ".join(_text(result, 60).split())
