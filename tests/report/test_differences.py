from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from mlfp.bench.results import BenchResult
from mlfp.bench.significance import Significance
from mlfp.evaluation import intervals
from mlfp.report import differences, html, markdown, saved
from mlfp.report.table import print_result
from mlfp.types.estimate import Estimate, Resamples, Units

Make = Callable[..., BenchResult]
METRIC = "retrieval.map_at_r"


@pytest.fixture
def compared(make_result: Make) -> Callable[..., BenchResult]:
    """The result of three methods, of which the first two are much alike, with its tests."""

    def make(subjects: int = 40, baseline: str = "best") -> BenchResult:
        result = make_result()
        names = np.array([f"s{place:02d}" for place in range(subjects)], dtype=object)
        shares = {"triplet": 0.9, "untrained": 0.85, "ssim": 0.1}
        for place, row in enumerate(result.rows):
            hits = np.random.default_rng(place).random(subjects) < shares[row.label]
            units = Units(names, names, hits.astype(float), np.ones(subjects))
            row.metrics[METRIC] = intervals.estimate(units, seed=0)
        found = Significance(baseline).apply(result.rows, seed=0)
        return replace(result, comparisons=found, significance={"baseline": baseline})

    return make


def test_words_say_who_differs_and_who_is_not_shown_to(compared: Make) -> None:
    text = " ".join(differences.summary(compared()))
    assert "Lower than triplet: ssim (" in text
    assert "No difference to triplet is shown, which is not to say that there is none: untrained (" in text
    assert "corrected by Holm for 3 tests" in text
    assert "Each method was trained once" in text


def test_each_group_has_its_own_best(compared: Callable[..., BenchResult]) -> None:
    result = compared()
    others = [replace(row, label=f"{row.label}, joined", group="joined") for row in result.rows[1:]]
    grouped = replace(result, rows=[*others, *result.rows])
    tests = Significance().apply(grouped.rows, seed=0)
    text = " ".join(differences.summary(replace(grouped, comparisons=tests)))
    assert "Lower than untrained, joined: ssim, joined (" in text
    assert "Lower than triplet: ssim (" in text
    assert "corrected by Holm for 1 and 3 tests" in text


def test_too_few_subjects_are_said_to_be_too_few(compared: Make) -> None:
    assert "too few subjects differ" in " ".join(differences.summary(compared(subjects=5)))


def test_a_baseline_is_what_the_others_are_compared_with(compared: Make) -> None:
    result = compared(baseline="ssim")
    assert differences.baseline(result, METRIC) == "ssim"
    assert differences.short(result, METRIC, "ssim") == ""
    assert differences.short(result, METRIC, "triplet").startswith("+0.")
    assert "Higher than ssim: triplet (" in " ".join(differences.summary(result))


def test_the_column_marks_what_is_not_shown(compared: Make) -> None:
    result = compared()
    assert differences.short(result, METRIC, "untrained").endswith("≈")
    assert not differences.short(result, METRIC, "ssim").endswith("≈")
    stream = io.StringIO()
    print_result(result, Console(file=stream, width=120, highlight=False))
    assert "≈" in stream.getvalue()
    assert "best" in stream.getvalue()


def test_markdown_has_every_number_of_a_test(compared: Make) -> None:
    result = compared()
    text = markdown.render(result)
    assert f"## Differences in {METRIC}" in text
    item = differences.between(result, METRIC, "ssim", "triplet")
    assert item is not None
    assert item.mcnemar is not None
    for part in (f"{item.difference:+.3f} ({item.low:+.3f} to {item.high:+.3f})", f"{item.effect:+.2f}",
                 f"{item.higher}, {item.lower}, {item.same}", f"{item.mcnemar.only_first} against"):  # fmt: skip
        assert part in text


def test_a_result_without_tests_says_nothing_of_them(make_result: Make) -> None:
    assert "Differences" not in markdown.render(make_result())
    assert list(differences.summary(make_result())) == []


def test_comparisons_are_saved_and_read(compared: Make, tmp_path: Path) -> None:
    result = replace(compared(), folder=tmp_path, evaluations={"retrieval": "abc"}, protocol={"use": "fair"})
    saved.write(result)
    again = saved.read(tmp_path)
    assert [item.say() for item in again.comparisons] == [item.say() for item in result.comparisons]
    assert (again.evaluations, again.significance, again.protocol) == (
        result.evaluations, result.significance, result.protocol,
    )  # fmt: skip
    assert markdown.render(again) == markdown.render(result)


def test_tests_of_rates_over_pairs_are_told_apart_and_kept(compared: Make, tmp_path: Path) -> None:
    result = replace(compared(), folder=tmp_path)
    rng = np.random.default_rng(0)
    for row, value in zip(result.rows, (0.1, 0.105, 0.4), strict=True):
        values = value + 0.02 * rng.normal(size=400)
        row.metrics["verification.eer"] = Estimate(
            value, value - 0.04, value + 0.04, 99, resamples=Resamples(values, 33, "d", "t")
        )
    result = replace(result, comparisons=Significance().apply(result.rows, seed=0))
    told = differences.rates(result)
    assert list(told) == ["verification.eer"]
    words = " ".join(told["verification.eer"])
    assert "Higher than triplet: ssim (+0.300, p < 0.001)." in words
    assert "No difference to triplet is shown, which is not to say that there is none: untrained (+0.005" in words
    text = markdown.render(result)
    assert "- `verification.eer`. Higher than triplet" in text
    assert "corrected by Holm for the 3 tests of each metric" in text
    saved.write(result)
    read = saved.read(tmp_path)
    assert differences.rates(read) == told
    assert "What they say of verification and open set" in html.render(read)
    ranked = replace(result, rank_by="verification.eer")
    assert "on both sides of every pair" in " ".join(differences.summary(ranked))
    assert "McNemar's and the t-test" not in "\n".join(differences.lines(ranked))
