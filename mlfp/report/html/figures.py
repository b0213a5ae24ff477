"""The charts of a result: a metric each, and whatever the evaluators had to show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from markupsafe import Markup

from mlfp.bench.results import BenchResult
from mlfp.report import cells
from mlfp.report.html.kept import Kept
from mlfp.report.html.overview import styles
from mlfp.report.svg.charts import Dot, Series, forest, heat, histogram, lines
from mlfp.report.svg.plot import Side
from mlfp.report.svg.scale import around
from mlfp.types.exhibit import Curve, Histogram, Matrix

#: Points of a line of a learning curve: more do not show.
_POINTS = 120
#: Pixels of a chart of which two stand side by side.
WIDE = 500.0


@dataclass(frozen=True)
class Figure:
    """A chart with its title, and the methods in it.

    :param methods: label and style of those that a legend must tell apart; empty where the chart has one.
    """

    title: str
    drawing: Markup
    note: str = ""
    methods: list[tuple[str, int]] = field(default_factory=list)


@dataclass(frozen=True)
class Gallery:
    """Charts that belong together.

    :param methods: the legend of all of them.
    """

    title: str
    figures: list[Figure]
    methods: list[tuple[str, int]] = field(default_factory=list)


def metric_figures(result: BenchResult) -> list[Figure]:
    """Every metric with its intervals, a row a method."""
    numbers = styles(result.rows)
    found = []
    for name in cells.metrics(result):
        dots = [
            Dot(row.label, numbers[row.label], item.value, item.low, item.high)
            for row in result.rows
            if (item := row.metrics.get(name)) is not None
        ]
        found.append(Figure(name, forest(dots, label=f"{name} of {len(dots)} methods with 95 % intervals")))
    return found


def pair_figures(result: BenchResult) -> list[Figure]:
    """The ranked metric for each pair of query and gallery, a matrix a method."""
    found = []
    for row in result.rows:
        pairs = {
            tuple(name.partition("[")[2].rstrip("]").split(">", 1)): item.value
            for name, item in row.metrics.items()
            if name.startswith(f"{result.rank_by}[") and ">" in name
        }
        if pairs:
            asked, answered = sorted({pair[0] for pair in pairs}), sorted({pair[1] for pair in pairs})
            values = np.array([[pairs.get((one, other), np.nan) for other in answered] for one in asked])
            drawn = heat(
                asked, answered, values, label=f"{row.label}: {result.rank_by} by query and gallery",
                row_label="query", column_label="gallery",
            )  # fmt: skip
            found.append(Figure(row.label, drawn))
    return found


def exhibits(result: BenchResult, kind: type) -> dict[str, dict[str, Any]]:
    """Name of an exhibit to what each method has of it, by label, for one kind."""
    found: dict[str, dict[str, Any]] = {}
    for row in result.rows:
        for name, exhibit in row.exhibits.items():
            if isinstance(exhibit, kind):
                found.setdefault(name, {})[row.label] = exhibit
    evaluations = list(dict.fromkeys(name.partition(".")[0] for row in result.rows for name in row.metrics))
    order = {name: place for place, name in enumerate(evaluations)}
    names = sorted(found, key=lambda name: (order.get(name.partition(".")[0], len(order)), name))
    return {name: found[name] for name in names}


def curve_galleries(result: BenchResult) -> list[Gallery]:
    """All curves: those of one evaluation together, a chart a line, the methods over each other."""
    numbers = styles(result.rows)
    by_evaluation: dict[str, list[dict[str, Curve]]] = {}
    for name, shown in exhibits(result, Curve).items():
        by_evaluation.setdefault(name.partition(".")[0], []).append(shown)
    legend = [(row.label, numbers[row.label]) for row in result.rows]
    found = {
        evaluation: [figure for shown in curves for figure in _curves(shown, numbers)]
        for evaluation, curves in by_evaluation.items()
    }
    alone = [replace(only[0], title=f"{name}: {only[0].title}") for name, only in found.items() if len(only) == 1]
    together = [Gallery(name, figures, legend) for name, figures in found.items() if len(figures) > 1]
    return [Gallery("", alone, legend), *together] if alone else together


def _curves(shown: Mapping[str, Curve], numbers: Mapping[str, int]) -> Iterator[Figure]:
    """A chart for each line that the methods have in common."""
    first = next(iter(shown.values()))
    names = list(dict.fromkeys(line.name for curve in shown.values() for line in curve.lines))
    for line in names:
        series = [
            Series(label, numbers[label], item.x, item.y, item.low, item.high)
            for label, curve in shown.items()
            for item in curve.lines
            if item.name == line
        ]
        heights = [value for item in series for values in (item.y, item.low, item.high) for value in _listed(values)]
        # The grid is the same for all comparisons; where there are too few pairs to tell, nothing is drawn.
        widths = [value for item in series for value in item.x[np.isfinite(item.y)]]
        x = Side(first.x.label, *_range(first.x.scale, widths), first.x.scale)
        y = Side(first.y.label, *_range(first.y.scale, heights), first.y.scale)
        title = f"{first.title}, {line}" if line else first.title
        n = max(item.n for curve in shown.values() for item in curve.lines if item.name == line)
        said = f"{title}: {first.y.label} by {first.x.label}"
        yield Figure(title, lines(series, x, y, label=said, width=WIDE), f"n = {n}" if n else "")


def _listed(values: np.ndarray | None) -> list[float]:
    return [] if values is None else [float(value) for value in values]


def _range(scale: str, values: Sequence[float]) -> tuple[float, float]:
    finite = np.array([value for value in values if np.isfinite(value)])
    if scale == "linear":
        return around(finite)
    inside = finite[(finite > 0) & (finite < 1)] if scale == "probit" else finite[finite > 0]
    if not len(inside):
        return (1e-3, 0.5) if scale == "probit" else (1.0, 10.0)
    low, high = float(inside.min()), float(inside.max())
    if scale == "probit":
        return max(low, 1e-5), min(max(high, low * 2), 1 - 1e-3)
    return low, max(high, low * 2)


def histogram_figures(result: BenchResult) -> list[Figure]:
    """All histograms, one a method."""
    return [
        Figure(
            label,
            histogram(
                item.edges, [(f"{bars.name} (n = {bars.n})", bars.shares) for bars in item.groups], x=item.x.label,
                label=f"{label}: {item.title}",
            ),
            name,
        )
        for name, shown in exhibits(result, Histogram).items()
        for label, item in shown.items()
    ]  # fmt: skip


def matrix_galleries(result: BenchResult) -> list[Gallery]:
    """All matrices, one a method."""
    found = []
    for name, shown in exhibits(result, Matrix).items():
        values = np.concatenate([item.values.ravel() for item in shown.values()])
        low, high = around(values, zero=True)
        figures = [
            Figure(
                label,
                heat(
                    item.row_names, item.column_names, item.values, label=f"{label}: {item.title}",
                    row_label=item.rows.label, column_label=item.columns.label, low=low, high=high,
                ),
                item.value.label,
            )
            for label, item in shown.items()
        ]  # fmt: skip
        found.append(Gallery(f"{next(iter(shown.values())).title} ({name})", figures))
    return found


def learning_figures(result: BenchResult, kept: Kept) -> list[Figure]:
    """How the trainings went: validation of all methods together, then the loss of each, every seed a line."""
    numbers = styles(result.rows)
    runs = {row.label: kept.curves(row.label) for row in result.rows if row.kind == "trained"}
    watched = [
        Series(label, numbers[label], *_measured(lines_, "val.map_at_r"), marks=3)
        for label, found in runs.items()
        for lines_ in found
    ]
    watched = [item for item in watched if len(item.x) > 1]
    figures = []
    if watched:
        x, y = (around([value for item in watched for value in getattr(item, side)], zero=True) for side in "xy")
        drawn = lines(watched, Side("step", *x), Side("map_at_r", *y), label="map_at_r on the validation side by step")
        methods = list(dict.fromkeys((item.name, item.style) for item in watched))
        figures.append(Figure("On the validation side", drawn, "what chose the weights", methods))
    for label, found in runs.items():
        losses = [Series(label, numbers[label], *_smooth(*_measured(lines_, "loss")), marks=0) for lines_ in found]
        losses = [item for item in losses if len(item.x) > 1]
        if losses:
            x, y = (around([value for item in losses for value in getattr(item, side)], zero=True) for side in "xy")
            drawn = lines(losses, Side("step", *x), Side("loss", *y), label=f"{label}: loss by step")
            figures.append(Figure(label, drawn, "loss, on a scale of its own"))
    return figures


def _measured(steps: Sequence[Mapping[str, Any]], name: str) -> tuple[np.ndarray, np.ndarray]:
    there = [line for line in steps if name in line]
    return np.array([line["step"] for line in there], dtype=float), np.array(
        [line[name] for line in there], dtype=float
    )


def _smooth(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means of as many stretches as show."""
    if len(x) <= _POINTS:
        return x, y
    parts = np.array_split(np.arange(len(x)), _POINTS)
    return np.array([x[part].mean() for part in parts]), np.array([y[part].mean() for part in parts])
