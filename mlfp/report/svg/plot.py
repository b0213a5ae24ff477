"""The frame that charts with two axes share."""

from __future__ import annotations

from dataclasses import dataclass, field

from markupsafe import Markup

from mlfp.report.svg.element import drawing, group, line, text
from mlfp.report.svg.scale import Kind, Scale

#: Pixels around the frame: left, right, top, bottom.
MARGINS = (52.0, 12.0, 10.0, 40.0)
#: Pixels across that a chart has on a phone.
NARROW = 360.0


@dataclass(frozen=True)
class Side:
    """One axis.

    :param label: in words; empty where the chart's title says it.
    :param low: first value.
    :param high: last value.
    """

    label: str
    low: float
    high: float
    kind: Kind = "linear"
    most: int = 6


@dataclass
class Plot:
    """A chart with two axes; what is added is drawn over the grid.

    :param label: what it shows, for who cannot see it.
    """

    x: Side
    y: Side
    label: str
    width: float = 360.0
    height: float = 260.0
    _drawn: list[Markup] = field(default_factory=list)

    def __post_init__(self) -> None:
        left, right, top, bottom = MARGINS
        self.across = Scale(self.x.low, self.x.high, left, self.width - right, self.x.kind)
        self.up = Scale(self.y.low, self.y.high, self.height - bottom, top, self.y.kind)

    def add(self, *shapes: Markup) -> None:
        """Draw something, its coordinates in pixels."""
        self._drawn += shapes

    def render(self) -> Markup:
        """The chart."""
        # Where the page is narrow, a wide chart shrinks most, and its text is written larger.
        kind = "chart wide" if self.width > NARROW else "chart"
        return drawing(self.width, self.height, self._grid(), group(*self._drawn), label=self.label, class_=kind)

    def _grid(self) -> Markup:
        left, right, top, bottom = self.across.start, self.across.end, self.up.end, self.up.start
        parts = []
        for value, shown in self.up.ticks(self.y.most):
            y = self.up.at(value)
            parts += [line(left, y, right, y, "grid"), text(left - 7, y + 3.5, shown, anchor="end", class_="tick")]
        for value, shown in self.across.ticks(self.x.most):
            x = self.across.at(value)
            parts += [
                line(x, bottom, x, bottom + 4, "axis"),
                text(x, bottom + 16, shown, anchor="middle", class_="tick"),
            ]
        parts.append(line(left, bottom, right, bottom, "axis"))
        parts.append(text((left + right) / 2, self.height - 5, self.x.label, anchor="middle", class_="label"))
        if self.y.label:
            middle = (top + bottom) / 2
            said = text(0, 0, self.y.label, anchor="middle", class_="label")
            parts.append(group(said, transform=f"translate(11 {middle:.1f}) rotate(-90)"))
        return group(*parts)
