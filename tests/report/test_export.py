from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mlfp.bench.results import BenchResult
from mlfp.bench.significance import Significance
from mlfp.evaluation import intervals
from mlfp.report import export, saved
from mlfp.types.estimate import Estimate, Units

Make = Callable[..., BenchResult]
METRIC = "retrieval.map_at_r"


@pytest.fixture
def compared(make_result: Make) -> BenchResult:
    result = make_result(seeds=3)
    names = np.array([f"s{place:02d}" for place in range(30)], dtype=object)
    for place, row in enumerate(result.rows):
        hits = np.random.default_rng(place).random(30) < (0.9, 0.85, 0.1)[place]
        row.metrics[METRIC] = intervals.estimate(Units(names, names, hits * 1.0, np.ones(30)), seed=0)
    return replace(result, comparisons=Significance().apply(result.rows, seed=0), significance={"baseline": "best"})


def rows(result: BenchResult) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(export.to_csv(result))))


def test_a_line_a_number_with_all_that_is_known_of_it(compared: BenchResult) -> None:
    found = rows(compared)
    assert len(found) == sum(len(row.metrics) for row in compared.rows)
    line = next(item for item in found if item["method"] == "ssim" and item["metric"] == METRIC)
    estimate = compared.rows[2].metrics[METRIC]
    assert (float(line["value"]), float(line["low"]), float(line["high"])) == (
        estimate.value,
        estimate.low,
        estimate.high,
    )
    assert (line["rank"], line["compared_with"], line["verdict"], line["tests"]) == ("3", "triplet", "lower", "3")
    assert float(line["difference"]) == pytest.approx(estimate.value - compared.rows[0].metrics[METRIC].value)
    best = next(item for item in found if item["method"] == "triplet" and item["metric"] == METRIC)
    assert best["compared_with"] == ""
    assert float(best["sd_over_seeds"]) == 0.012
    reach = 4.302652729749464 * 0.012 / math.sqrt(3)  # Student's t for 2 degrees of freedom
    assert float(best["trainings_high"]) - float(best["value"]) == pytest.approx(reach)


def test_what_there_is_not_is_empty(compared: BenchResult) -> None:
    compared.rows[0].metrics[METRIC] = Estimate(math.nan, math.nan, math.nan, 0)
    line = next(item for item in rows(compared) if item["method"] == "triplet" and item["metric"] == METRIC)
    assert (line["value"], line["low"]) == ("", "")


def test_the_latex_table_is_whole_and_marks_best_and_ties(compared: BenchResult) -> None:
    text = export.to_latex(compared)
    assert text.count(r"\begin") == text.count(r"\end") == 2
    body = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert len({line.count("&") - line.count(r"\&") for line in body}) == 1, "each line has every column"
    assert len(body) == 2 + 2 * len(compared.rows)
    assert r"map\_at\_r" in text
    best = compared.rows[0].metrics[METRIC]
    assert rf"\textbf{{{best.value:.3f}}}" in text
    tied = next(line for line in body if line.startswith("untrained"))
    assert r"$\approx$" in tied
    assert r"$\approx$" not in next(line for line in body if line.startswith("ssim"))


def test_names_are_printed_as_they_are() -> None:
    assert export.escaped("a_b & 50 % {x} ≈ \\y") == r"a\_b \& 50 \% \{x\} $\approx$ \textbackslash{}y"


def test_they_lie_beside_the_report(compared: BenchResult, tmp_path: Path) -> None:
    result = replace(compared, folder=tmp_path)
    saved.write(result)
    assert (tmp_path / "results.csv").read_text(encoding="utf-8") == export.to_csv(result)
    assert (tmp_path / "table.tex").read_text(encoding="utf-8") == export.to_latex(result)
    assert export.to_csv(saved.read(tmp_path)) == export.to_csv(result)
