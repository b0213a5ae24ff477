"""What an evaluator shows beside its estimates: a curve, a matrix, a histogram or a panel of readings, ready to draw.

An exhibit says nothing of colours or sizes. It holds numbers with their axes, so that a report draws one method's, or
lays those of several over each other. It is kept in ``record.json`` as :func:`to_json` writes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np

Scale = Literal["linear", "log", "probit"]
#: Significant digits that are kept: more than any drawing shows.
DIGITS = 6


@dataclass(frozen=True)
class Axis:
    """What is laid off along a side.

    :param name: in words, such as ``rank`` or ``false match rate``.
    :param unit: such as ``mm``, ``degrees`` or ``days``; empty for a share, a count or a name.
    :param scale: how it is best drawn; DET curves have ``probit`` on both sides.
    """

    name: str
    unit: str = ""
    scale: Scale = "linear"

    @property
    def label(self) -> str:
        """``rotation (degrees)``."""
        return f"{self.name} ({self.unit})" if self.unit else self.name


@dataclass(frozen=True)
class Line:
    """One line of a curve.

    :param name: what tells it from the other lines of the same curve; empty where there is one.
    :param x: (P,) rising. The same for every method and seed, so that their lines can be averaged and compared.
    :param y: (P,) values; ``nan`` where there is none.
    :param low: (P,) lower end of the 95 % interval, or None.
    :param high: (P,) upper end, or None.
    :param n: queries or pairs behind it.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    n: int = 0


@dataclass(frozen=True)
class Curve:
    """One or several lines over the same axes: CMC, DET, robustness."""

    title: str
    x: Axis
    y: Axis
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Matrix:
    """A value for each pair of names: query modality and gallery modality, group and rate.

    :param rows: what the rows are, with their names below.
    :param columns: what the columns are.
    :param value: what a cell tells.
    :param row_names: (R,)
    :param column_names: (C,)
    :param values: (R, C); ``nan`` where there was nothing to measure.
    :param low: (R, C) lower end of the 95 % interval, or None.
    :param high: (R, C) upper end, or None.
    :param counts: (R, C) queries or pairs behind each cell, or None.
    """

    title: str
    rows: Axis
    columns: Axis
    value: Axis
    row_names: tuple[str, ...]
    column_names: tuple[str, ...]
    values: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    counts: np.ndarray | None = None


@dataclass(frozen=True)
class Bars:
    """One group of a histogram.

    :param name: such as ``same subject``.
    :param shares: (B,) share of the group that lies in each bin; they sum to 1.
    :param n: how many the group counts.
    """

    name: str
    shares: np.ndarray
    n: int


@dataclass(frozen=True)
class Histogram:
    """How groups are distributed over the same bins: distances within and between subjects.

    :param edges: (B + 1,) of the bins, rising.
    """

    title: str
    x: Axis
    edges: np.ndarray
    groups: tuple[Bars, ...]


@dataclass(frozen=True)
class Reading:
    """One line of a panel.

    :param name: what was looked at, in a few words.
    :param value: what was found.
    :param low: lower end of the 95 % interval; ``nan`` where there is none.
    :param high: upper end.
    :param n: queries or pairs behind it.
    :param reference: what a method without the fault would show; ``nan`` where nothing can be said.
    :param alarm: whether the reading speaks against the method.
    :param says: what it means, in one sentence.
    """

    name: str
    value: float
    low: float
    high: float
    n: int
    reference: float
    alarm: bool
    says: str


@dataclass(frozen=True)
class Panel:
    """Readings of different kinds that are judged together: the shortcuts."""

    title: str
    readings: tuple[Reading, ...]


Exhibit = Curve | Matrix | Histogram | Panel
_KINDS: dict[str, type] = {"curve": Curve, "matrix": Matrix, "histogram": Histogram, "panel": Panel}
_PARTS: dict[str, type] = {"lines": Line, "groups": Bars, "readings": Reading}


def to_json(exhibit: Exhibit) -> dict[str, Any]:
    """Plain lists and numbers, and ``kind``: ``curve``, ``matrix``, ``histogram`` or ``panel``."""
    kind = next(name for name, of in _KINDS.items() if isinstance(exhibit, of))
    return {"kind": kind, **_told(exhibit)}


def from_json(data: Mapping[str, Any]) -> Exhibit:
    """What :func:`to_json` told.

    :raises ValueError: it is of no kind known here.
    """
    kind = data.get("kind")
    if kind not in _KINDS:
        raise ValueError(f"no exhibit is of kind {kind!r}; kinds: {', '.join(_KINDS)}")
    exhibit: Exhibit = _read(_KINDS[kind], data)
    return exhibit


def _told(part: Any) -> Any:
    if isinstance(part, np.ndarray):
        return [_told(row) for row in part] if part.ndim > 1 else [_number(item) for item in part.tolist()]
    if isinstance(part, tuple):
        return [_told(item) for item in part]
    if hasattr(part, "__dataclass_fields__"):
        return {item.name: _told(getattr(part, item.name)) for item in fields(part)}
    if isinstance(part, np.generic):
        part = part.item()
    return _number(part) if isinstance(part, float) else part


def _number(value: float) -> float | None:
    return None if not np.isfinite(value) else float(f"{value:.{DIGITS}g}")


def _read(kind: type, data: Mapping[str, Any]) -> Any:
    return kind(**{item.name: _field(item.name, str(item.type), data[item.name]) for item in fields(kind)})


def _field(name: str, annotation: str, value: Any) -> Any:
    if name in _PARTS:
        return tuple(_read(_PARTS[name], item) for item in value)
    if annotation == "Axis":
        return Axis(**value)
    if annotation.startswith("np.ndarray"):
        return None if value is None else np.array(value, dtype=np.float64)
    if annotation == "float":
        return np.nan if value is None else float(value)
    return tuple(value) if annotation.startswith("tuple") else value
