"""The charts of a report, each from plain numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from mlfp.report.svg.element import DASH, band, colour, drawing, group, line, mark, path, tag, text
from mlfp.report.svg.plot import Plot, Side
from mlfp.report.svg.scale import Scale, around


@dataclass(frozen=True)
class Series:
    """One line of a chart.

    :param style: number of its colour, dash and shape.
    :param x: (P,)
    :param y: (P,)
    :param low: (P,) lower end of the interval, or None.
    :param high: (P,) upper end, or None.
    :param marks: draw its shape at some of the points.
    """

    name: str
    style: int
    x: np.ndarray
    y: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    marks: int = 4


def lines(series: Sequence[Series], x: Side, y: Side, *, label: str, width: float = 360.0) -> Markup:
    """Lines over the same axes, the first on top; thin bands are their intervals.

    What lies beyond an axis (no error at all, on a logarithmic one) is drawn at its end.
    """
    plot = Plot(x, y, label, width=width)

    def up(values: np.ndarray) -> np.ndarray:
        return np.clip(plot.up(values), plot.up.end, plot.up.start)

    for item in reversed(series):
        across = np.clip(plot.across(item.x), plot.across.start, plot.across.end)
        height = up(item.y)
        parts = []
        if item.low is not None and item.high is not None:
            parts.append(band(across, up(item.low), up(item.high), "band"))
        parts.append(path(across, height, "line"))
        there = np.flatnonzero(np.isfinite(across) & np.isfinite(height))
        if item.marks and len(there):
            chosen = there[np.unique(np.linspace(0, len(there) - 1, item.marks).round().astype(int))]
            parts += [mark(item.style, across[place], height[place]) for place in chosen]
        plot.add(group(tag("title", item.name), *parts, class_=f"series {colour(item.style)}", data_series=item.style))
    return plot.render()


def histogram(
    edges: np.ndarray, groups: Sequence[tuple[str, np.ndarray]], *, x: str, label: str, width: float = 360.0,
    height: float = 190.0,
) -> Markup:  # fmt: skip
    """How groups are spread over the same bins; the first is filled, the second hatched, further ones outlined.

    :param edges: (B + 1,)
    :param groups: names and (B,) shares.
    """
    highest = max((float(np.nanmax(shares)) for _, shares in groups if len(shares)), default=1.0) or 1.0
    plot = Plot(
        Side(x, float(edges[0]), float(edges[-1]), most=5), Side("share", 0, highest * 1.08, most=3), label,
        width=width, height=height,
    )  # fmt: skip
    for place, (name, shares) in enumerate(groups):
        across = np.repeat(plot.across(edges), 2)
        up = plot.up(np.concatenate([[0], np.repeat(shares, 2), [0]]))
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(across, up, strict=True))
        plot.add(tag("polygon", tag("title", name), points=points, class_=f"bars b{place}"))
    return plot.render()


@dataclass(frozen=True)
class Dot:
    """A value with its interval, in a row of its own."""

    name: str
    style: int
    value: float
    low: float
    high: float


def forest(dots: Sequence[Dot], *, label: str, x: str = "", width: float = 360.0, names: bool = True) -> Markup:
    """Values with their intervals, one below the other, over one axis.

    :param names: write the names at the left.
    """
    left, row, top = (140.0 if names else 16.0), 22.0, 6.0
    height = top + row * len(dots) + (38 if x else 24)
    low, high = around([number for dot in dots for number in (dot.value, dot.low, dot.high)])
    across, bottom = Scale(low, high, left, width - 14), top + row * len(dots)
    parts = []
    for value, shown in across.ticks(5):
        place = across.at(value)
        parts += [
            line(place, top, place, bottom, "grid"),
            text(place, bottom + 14, shown, anchor="middle", class_="tick"),
        ]
    if x:
        parts.append(text((left + width - 14) / 2, height - 4, x, anchor="middle", class_="label"))
    for place, dot in enumerate(dots):
        y = top + row * (place + 0.5)
        if names:
            parts.append(text(left - 10, y + 3.5, shortened(dot.name, 21), anchor="end", class_="name"))
        if np.isfinite(dot.value):
            parts.append(group(tag("title", dot.name), whisker(across, dot, y), class_=colour(dot.style)))
    return drawing(width, height, *parts, label=label)


def whisker(across: Scale, dot: Dot, y: float) -> Markup:
    """One value with its interval."""
    parts = []
    if np.isfinite(dot.low) and np.isfinite(dot.high):
        start, end = across.at(dot.low), across.at(dot.high)
        parts.append(
            tag(
                "path",
                d=f"M{start:.1f} {y:.1f}H{end:.1f}M{start:.1f} {y - 3:.1f}v6M{end:.1f} {y - 3:.1f}v6",
                class_="line whisker",
            )
        )
    return group(*parts, mark(dot.style, across.at(dot.value), y))


def heat(
    rows: Sequence[str], columns: Sequence[str], values: np.ndarray, *, label: str, row_label: str, column_label: str,
    low: float = 0.0, high: float = 1.0,
) -> Markup:  # fmt: skip
    """A value for each pair of names, written in its cell; a stronger tint is a higher value."""
    side, left, top = 62.0, 76.0, 34.0
    width, height = left + side * len(columns) + 8, top + 40 * len(rows) + 8
    parts = [text(left + side * len(columns) / 2, 11, column_label, anchor="middle", class_="label")]
    said = text(0, 0, row_label, anchor="middle", class_="label")
    parts.append(group(said, transform=f"translate(10 {top + 20 * len(rows):.1f}) rotate(-90)"))
    parts += [
        text(left + side * (place + 0.5), 27, shortened(name, 10), anchor="middle", class_="tick")
        for place, name in enumerate(columns)
    ]
    for down, name in enumerate(rows):
        y = top + 40 * down
        parts.append(text(left - 8, y + 24, shortened(name, 9), anchor="end", class_="tick"))
        for along, value in enumerate(values[down]):
            x = left + side * along
            there = bool(np.isfinite(value))
            share = float(np.clip((value - low) / ((high - low) or 1.0), 0, 1)) if there else 0.0
            cell = tag(
                "rect", x=x + 1, y=y + 1, width=side - 2, height=38, rx=3, class_="cell", style=f"--share:{share:.2f}"
            )
            shown = text(
                x + side / 2,
                y + 24.5,
                f"{value:.3f}" if there else DASH,
                anchor="middle",
                class_="celltext" + (" strong" if share > 0.8 else ""),
            )
            parts.append(group(cell, shown))
    return drawing(width, height, *parts, label=label, class_="chart heat")


def shortened(name: str, most: int) -> str:
    """A name that fits, its middle left out where it does not."""
    if len(name) <= most:
        return name
    kept = most - 1
    return f"{name[: kept - kept // 3].rstrip()}…{name[len(name) - kept // 3 :].lstrip()}"
