from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mlfp.bench.results import BenchResult
from mlfp.report import html, saved
from mlfp.report.html import figures
from mlfp.types.exhibit import Axis, Bars, Curve, Exhibit, Histogram, Line, Matrix, Panel, Reading

Make = Callable[..., BenchResult]
NAN = float("nan")


def _exhibits(shift: float) -> dict[str, Exhibit]:
    rates = np.array([1e-3, 1e-2, 0.1, 0.5])
    det = Curve(
        "Detection error trade-off",
        Axis("false match rate", scale="probit"),
        Axis("false non-match rate", scale="probit"),
        (Line("all", rates, 0.4 - rates / 2 + shift, n=500), Line("matched", rates, 0.5 - rates / 2 + shift, n=90)),
    )  # fmt: skip
    angles = np.arange(0, 25, 5.0)
    turned = Curve(
        "Rotation", Axis("rotation", "degrees"), Axis("map_at_r"),
        (Line("", angles, 0.9 - angles / 50, 0.8 - angles / 50, 1 - angles / 50, 42),),
    )  # fmt: skip
    matrix = Matrix(
        "Across modality", Axis("query"), Axis("gallery"), Axis("hit_at_1"), ("T1", "T2"), ("T1", "T2"),
        np.array([[NAN, 0.5 + shift], [0.25, NAN]]),
    )  # fmt: skip
    spread = Histogram(
        "Distances", Axis("cosine distance"), np.linspace(0, 1, 5),
        (Bars("same subject", np.array([0.7, 0.3, 0, 0]), 40), Bars("others", np.array([0, 0.2, 0.5, 0.3]), 800)),
    )  # fmt: skip
    panel = Panel(
        "Shortcuts",
        (
            Reading("same-site gallery", 0.31, 0.2, 0.4, 42, 0.9, True, "It finds the site, not the subject."),
            Reading("header", 0.02, NAN, NAN, 42, NAN, False, "Headers tell little."),
        ),
    )
    return {
        "verification.det": det, "robustness.rotation": turned, "cross-modal.hit_at_1": matrix,
        "retrieval.distances": spread, "shortcuts.panel": panel, "theirs.unheard": replace(turned, title="Unheard of"),
    }  # fmt: skip


@pytest.fixture
def shown(make_result: Make, tmp_path: Path) -> BenchResult:
    result = make_result()
    rows = [replace(row, exhibits=_exhibits(0.05 * place)) for place, row in enumerate(result.rows[:2])]
    return replace(result, rows=[*rows, *result.rows[2:]], folder=tmp_path)


def test_every_kind_of_exhibit_is_drawn_and_of_unknown_names_too(shown: BenchResult) -> None:
    text = html.render(shown)
    for said in (
        "Detection error trade-off, all", "Detection error trade-off, matched", "n = 500", "rotation (degrees)",
        "Unheard of", "Across modality", "0.550", "same subject (n = 40)", "It finds the site, not the subject.", "▲",
    ):  # fmt: skip
        assert said in text
    assert "nan" not in text


def test_lines_of_all_methods_lie_over_each_other_and_have_one_legend(shown: BenchResult) -> None:
    galleries = {gallery.title: gallery for gallery in figures.curve_galleries(shown)}
    assert list(galleries) == ["", "verification"]
    assert [figure.title for figure in galleries[""].figures] == ["robustness: Rotation", "theirs: Unheard of"]
    det = galleries["verification"].figures
    assert [figure.title for figure in det] == ["Detection error trade-off, all", "Detection error trade-off, matched"]
    assert all(figure.drawing.count('class="series') == 2 for figure in det)
    assert {label for label, _ in galleries["verification"].methods} == {row.label for row in shown.rows}


def test_what_was_kept_draws_the_same_charts(shown: BenchResult) -> None:
    saved.write(shown)
    read = saved.read(shown.folder)
    assert figures.curve_galleries(read) == figures.curve_galleries(shown)
    assert figures.matrix_galleries(read) == figures.matrix_galleries(shown)
    assert figures.histogram_figures(read) == figures.histogram_figures(shown)


def test_pairs_of_a_metric_are_a_matrix_of_query_and_gallery(make_result: Make) -> None:
    found = figures.pair_figures(make_result(pairs=True))
    assert [figure.title for figure in found] == ["triplet"]
    assert found[0].drawing.count(">0.900<") == 2
