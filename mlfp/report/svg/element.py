"""SVG as text: elements whose attributes are escaped and whose numbers are short."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from markupsafe import Markup, escape

Child = str | Markup
#: From one number to another, or in place of one that there is not.
DASH = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
Value = str | float | int | bool | None


def number(value: float) -> str:
    """A coordinate in pixels: a tenth of one is all that shows."""
    text = f"{value:.1f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def tag(name: str, *children: Child, **attributes: Value) -> Markup:
    """One element; ``stroke_width`` is ``stroke-width``, ``class_`` is ``class``, and what is None is left out."""
    parts = [f' {_name(key)}="{_text(value)}"' for key, value in attributes.items() if value is not None]
    inner = Markup("").join(escape(child) for child in children)
    return Markup(f"<{name}{''.join(parts)}>{inner}</{name}>")


def group(*children: Child, **attributes: Value) -> Markup:
    """``<g>``."""
    return tag("g", *children, **attributes)


def text(x: float, y: float, content: str, *, anchor: str = "start", class_: str | None = None) -> Markup:
    """A line of text; ``anchor`` is ``start``, ``middle`` or ``end``."""
    return tag("text", content, x=x, y=y, text_anchor=None if anchor == "start" else anchor, class_=class_)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """A straight line."""
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def path(x: Iterable[float], y: Iterable[float], class_: str) -> Markup:
    """A line through points; where one is not finite, it is broken."""
    parts, pen = [], "M"
    for across, down in zip(x, y, strict=True):
        if math.isfinite(across) and math.isfinite(down):
            parts.append(f"{pen}{number(across)} {number(down)}")
            pen = "L"
        else:
            pen = "M"
    return tag("path", d="".join(parts), class_=class_)


def band(x: np.ndarray, low: np.ndarray, high: np.ndarray, class_: str) -> Markup:
    """The area between two lines over the same x; points where either is not finite are left out."""
    there = np.isfinite(x) & np.isfinite(low) & np.isfinite(high)
    if there.sum() < 2:
        return Markup("")
    across = np.concatenate([x[there], x[there][::-1]])
    down = np.concatenate([high[there], low[there][::-1]])
    points = " ".join(f"{number(a)},{number(b)}" for a, b in zip(across, down, strict=True))
    return tag("polygon", points=points, class_=class_)


def drawing(width: float, height: float, *children: Child, label: str, class_: str = "chart") -> Markup:
    """A whole picture that scales to the width it is given.

    :param label: what it shows, for who cannot see it.
    """
    return tag(
        "svg", *children, viewBox=f"0 0 {number(width)} {number(height)}", role="img", aria_label=label, class_=class_,
        width=width, height=height,
    )  # fmt: skip


#: Shapes that tell methods apart without colour, about the origin, each as large to the eye as the others.
SHAPES = ("circle", "square", "triangle", "diamond", "cross", "down", "plus", "ring")
_PATHS = {
    "square": "M-3.4-3.4H3.4V3.4H-3.4Z",
    "triangle": "M0-4.6L4.3 3.2H-4.3Z",
    "diamond": "M0-4.8L4.8 0L0 4.8L-4.8 0Z",
    "cross": "M-3.4-3.4L3.4 3.4M3.4-3.4L-3.4 3.4",
    "down": "M0 4.6L4.3-3.2H-4.3Z",
    "plus": "M0-4.6V4.6M-4.6 0H4.6",
}


def mark(shape: int, x: float, y: float, class_: str = "") -> Markup:
    """The shape of this number, at a place; from the ninth on they come again, in other colours than before."""
    name = SHAPES[(shape + 3 * (shape // len(SHAPES))) % len(SHAPES)]
    classes = f"mark {'open' if name in ('cross', 'plus', 'ring') else 'solid'} {class_}".strip()
    if name in ("circle", "ring"):
        return tag("circle", cx=x, cy=y, r=3.9, class_=classes)
    return tag("path", d=_PATHS[name], transform=f"translate({number(x)} {number(y)})", class_=classes)


def colour(style: int) -> str:
    """The class that gives this number's colour and dash; eight of each."""
    return f"m{style % len(SHAPES)}"


def _name(key: str) -> str:
    if key in ("viewBox", "preserveAspectRatio"):
        return key
    return key.rstrip("_").replace("_", "-")


def _text(value: Value) -> str:
    if isinstance(value, float | np.floating):
        return number(float(value))
    return str(escape(value))
