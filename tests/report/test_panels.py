from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from mlfp.bench.results import BenchResult
from mlfp.report import cells, markdown, panels, table
from mlfp.types.exhibit import Panel, Reading

Make = Callable[..., BenchResult]
NAN = float("nan")


@pytest.fixture
def result(make_result: Make) -> BenchResult:
    bad = Reading("outlines alone", 0.8, 0.7, 0.9, 42, 0.02, True, "It finds most from outlines.")
    fine = replace(bad, value=0.1, low=NAN, high=NAN, alarm=False, says="Outlines tell little.")
    probe = Reading("site probe", 0.5, 0.4, 0.6, 42, NAN, False, "No site.")
    found = make_result()
    shown = [Panel("Shortcuts", (bad,)), Panel("Shortcuts", (fine, probe))]
    rows = [replace(row, exhibits={"s.panel": panel}) for row, panel in zip(found.rows[:2], shown, strict=True)]
    return replace(found, rows=[*rows, found.rows[2]])


def test_readings_of_all_methods_stand_side_by_side(result: BenchResult) -> None:
    (glance,) = panels.glances(result)
    assert glance.methods == ["triplet", "untrained"]
    assert [(name, [item and item.value for item in found]) for name, found in glance.rows] == [
        ("outlines alone", [0.8, 0.1]),
        ("site probe", [None, 0.5]),
    ]
    assert [(method, len(raised)) for method, raised in glance.alarms()] == [("triplet", 1), ("untrained", 0)]


def test_markdown_marks_what_speaks_against_a_method_and_says_what_it_means(result: BenchResult) -> None:
    text = markdown.render(result)
    assert "| outlines alone | ▲ 0.800 (0.700-0.900) | 0.100 |" in text
    assert "| site probe | - | 0.500 (0.400-0.600) |" in text
    assert "triplet: It finds most from outlines." in text


def test_the_terminal_names_who_raised_the_alarm_by_what_and_who_did_not(result: BenchResult) -> None:
    assert list(panels.brief(result)) == [
        "Shortcuts: ▲ triplet: outlines alone 0.800 (0.700-0.900) beside 0.020.",
        "Shortcuts: nothing speaks against untrained.",
    ]
    from rich.console import Console

    console = Console(width=100)
    with console.capture() as shown:
        table.print_result(result, console)
    assert "▲ triplet: outlines alone" in shown.get()


def test_a_note_that_all_methods_share_is_told_once_and_names_nobody(make_result: Make) -> None:
    found = make_result()
    rows = [
        replace(row, note="v: too few pairs" + ("; c: needs vectors" if row.label == "ssim" else ""))
        for row in found.rows
    ]
    assert cells.notes(replace(found, rows=rows)) == ["v: too few pairs", "c: needs vectors (ssim)"]
