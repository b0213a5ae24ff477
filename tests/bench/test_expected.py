"""What a paper printed, beside what came out here."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from mlfp import api
from mlfp.bench.engine import read
from mlfp.bench.expected import Beside, Expectation, beside
from mlfp.bench.results import Row
from mlfp.errors import ParameterError
from mlfp.report.table import render
from mlfp.types.estimate import Estimate


def parsed(comparison: dict[str, Any], expected: Any):
    return read({**comparison, "expected": expected}, data=None, overrides={}, smoke=False).expected


def test_percent_and_fractions(comparison: dict[str, Any]) -> None:
    label = next(iter(comparison["grid"]["objective"])) if "grid" in comparison else "correlation"
    values = {label: {"retrieval.hit_at_1": "95.5"}}
    assert parsed(comparison, {"unit": "percent", "source": "Table 9", "values": values}) == (
        Expectation(label, "retrieval.hit_at_1", 0.955, "Table 9"),
    )
    assert parsed(comparison, {"values": {label: {"retrieval.hit_at_1": 0.5}}})[0].value == 0.5
    assert parsed(comparison, None) == ()


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        ("95", "should have 'values'"),
        ({"values": {}, "units": "percent"}, "names no key of this comparison: 'units'"),
        ({"values": {}, "unit": "promille"}, "percent or fraction"),
        ({"values": {"corelation": {}}}, "names no method of this comparison: 'corelation'"),
        ({"values": {"correlation": 1}}, "mapping from metric"),
        ({"values": {"correlation": {"retreival.hit_at_1": 1}}}, "names no evaluation of this comparison: 'retreival'"),
        ({"values": {"correlation": {"retrieval.hit_at_1": "many"}}}, "should be float"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(comparison: dict[str, Any], expected: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=message) as caught:
        parsed(comparison, expected)
    assert "expected" in str(caught.value.where)


def test_difference_and_within() -> None:
    printed = Expectation("a", "x.y", 0.9)
    row = Row("a", "scorer", 1, {"x.y": Estimate(0.8, 0.7, 0.95, 10)}, {}, 1.0)
    (item,) = beside([printed], [row])
    assert item.difference == pytest.approx(-0.1)
    assert item.within is True
    assert Beside(printed, Estimate(0.8, 0.7, 0.85, 10)).within is False
    nan = float("nan")
    assert Beside(printed, Estimate(0.8, nan, nan, 10)).within is None
    (lost,) = beside([Expectation("b", "x.y", 0.9)], [row])
    assert (lost.here, lost.difference, lost.within) == (None, None, None)


def test_the_result_shows_and_keeps_both(comparison: dict[str, Any], tmp_path: Path) -> None:
    values = {"correlation": {"retrieval.hit_at_1": 50, "retrieval.nobody_measures": 1}}
    config = {**comparison, "expected": {"source": "Table 9", "unit": "percent", "values": values}}
    result = api.bench(config, out=tmp_path, only="correlation")
    ours = next(row for row in result.rows if row.label == "correlation").metrics["retrieval.hit_at_1"]
    console = Console(width=140, record=True, file=io.StringIO())
    console.print(render(result, width=140))
    shown = console.export_text()
    assert "Printed in Table 9, and here" in shown
    assert f"{ours.value - 0.5:+.3f}" in shown
    from mlfp.report import markdown, saved

    saved.write(result)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "## Printed in Table 9, and here" in text
    assert "| correlation | retrieval.hit_at_1 | 0.500 |" in text
    assert "| correlation | retrieval.nobody_measures | 0.010 | - |" in text
    told = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))["expected"]
    assert told[0]["here"]["value"] == ours.value
    assert told[0]["difference"] == pytest.approx(ours.value - 0.5)
    again = saved.read(tmp_path)
    assert again.expected == result.expected
    assert markdown.render(again) == text
