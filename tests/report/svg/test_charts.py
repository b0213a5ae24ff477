from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from mlfp.report.svg.charts import Dot, Series, forest, heat, histogram, lines, shortened
from mlfp.report.svg.element import DASH, SHAPES, colour, mark, path, tag
from mlfp.report.svg.plot import MARGINS, Side


def _parsed(drawing: Markup) -> ElementTree.Element:
    return ElementTree.fromstring(str(drawing))


def _count(drawing: Markup, name: str, part: str) -> int:
    return sum(part in item.get("class", "").split() for item in _parsed(drawing).iter(name))


def test_names_from_users_are_text_and_never_markup() -> None:
    evil = '"><script>alert(1)</script>'
    dots = [Dot(evil, 0, 0.5, 0.4, 0.6)]
    for drawing in (
        forest(dots, label=evil),
        heat([evil], [evil], np.ones((1, 1)), label=evil, row_label=evil, column_label=evil),
    ):
        assert "<script>" not in drawing
        assert _parsed(drawing).get("aria-label") == evil


@given(values=st.lists(st.floats(0, 1) | st.just(float("nan")), min_size=1, max_size=8))
def test_every_value_has_a_mark_and_every_interval_a_whisker(values: list[float]) -> None:
    dots = [Dot(f"method {place}", place, value, value - 0.1, value + 0.1) for place, value in enumerate(values)]
    drawing = forest(dots, label="a metric")
    marks = sum("mark" in item.get("class", "").split() for item in _parsed(drawing).iter())
    assert marks == _count(drawing, "path", "whisker") == sum(np.isfinite(values))
    assert "nan" not in drawing


def test_a_line_is_broken_where_nothing_was_measured() -> None:
    drawn = path([0, 1, 2, 3], [1, float("nan"), 2, 3], "line")
    assert 'd="M0 1M2 2L3 3"' in drawn


def test_lines_with_intervals_have_bands() -> None:
    x = np.arange(5.0)
    series = [Series("a", 0, x, x / 5, x / 5 - 0.1, x / 5 + 0.1), Series("b", 1, x, x / 4)]
    drawing = lines(series, Side("rank", 0, 4), Side("share", 0, 1), label="two lines")
    assert _count(drawing, "polygon", "band") == 1
    assert _count(drawing, "path", "line") == 2
    assert "nan" not in drawing


def test_a_histogram_fills_the_first_group_and_hatches_the_second() -> None:
    edges = np.linspace(0, 1, 4)
    drawing = histogram(
        edges, [("same", np.array([1.0, 0, 0])), ("other", np.array([0, 0.5, 0.5]))], x="d", label="two"
    )
    assert (_count(drawing, "polygon", "b0"), _count(drawing, "polygon", "b1")) == (1, 1)
    empty = histogram(edges, [("none", np.zeros(3))], x="d", label="none")
    assert "nan" not in empty


def test_a_matrix_writes_every_value_and_a_dash_for_none() -> None:
    values = np.array([[0.25, np.nan], [1.0, 0.0]])
    drawing = heat(["T1", "T2"], ["FLAIR", "T1c"], values, label="m", row_label="query", column_label="gallery")
    said = [item.text for item in _parsed(drawing).iter("text")]
    assert [text for text in said if text in ("0.250", DASH, "1.000", "0.000")] == ["0.250", DASH, "1.000", "0.000"]


def test_shapes_differ() -> None:
    drawn = {str(mark(number, 0, 0)) for number in range(len(SHAPES))}
    assert len(drawn) == len(SHAPES)
    colours_too = {(colour(number), str(mark(number, 0, 0))) for number in range(5 * len(SHAPES))}
    assert len(colours_too) == 5 * len(SHAPES)
    assert tag("g", None_=None, a_b=1.25) == '<g a-b="1.2"></g>'


@given(st.text(min_size=1, max_size=60), st.integers(4, 30))
def test_a_name_fits(name: str, most: int) -> None:
    assert len(shortened(name, most)) <= most


def test_what_lies_beyond_an_axis_is_drawn_at_its_end_and_not_outside_the_frame() -> None:
    x = np.array([0.01, 0.1, 0.9])
    errors = np.array([0.5, 0.1, 0.0])  # no error at all has no place on a probit axis
    drawn = lines(
        [Series("a", 0, x, errors, errors, errors)], Side("fmr", 0.01, 0.5, "probit"),
        Side("fnmr", 0.05, 0.6, "probit"), label="DET", width=360,
    )  # fmt: skip
    found = re.findall(r'<path d="([^"]+)" class="line"', str(drawn))
    points = [tuple(map(float, pair)) for pair in re.findall(r"[ML]([\d.-]+) ([\d.-]+)", found[0])]
    left, right, top, bottom = MARGINS
    assert len(points) == 3
    assert all(left <= across <= 360 - right and top <= down <= 260 - bottom for across, down in points)
