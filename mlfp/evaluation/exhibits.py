"""Exhibits of several seeds, or of several pairs of query and gallery, as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from mlfp.types.exhibit import Bars, Curve, Exhibit, Histogram, Line, Matrix


def average(exhibits: Sequence[Exhibit]) -> Exhibit:
    """The mean, weighted by how much lies behind each: bounds are averaged too, so no interval is too narrow.

    What cannot be averaged (other axes, a panel) is shown as the first has it.
    """
    first = exhibits[0]
    if isinstance(first, Curve):
        return _curves(first, [item for item in exhibits if isinstance(item, Curve)])
    if isinstance(first, Histogram):
        return _histograms(first, [item for item in exhibits if isinstance(item, Histogram)])
    if isinstance(first, Matrix):
        return _matrices(first, [item for item in exhibits if isinstance(item, Matrix)])
    return first


def _curves(first: Curve, all_: Sequence[Curve]) -> Curve:
    names = [line.name for line in first.lines]
    alike = all([line.name for line in other.lines] == names for other in all_)
    if not alike:
        return first
    lines = [_lines([other.lines[place] for other in all_]) for place in range(len(names))]
    return first if any(line is None for line in lines) else replace(first, lines=tuple(filter(None, lines)))


def _lines(lines: Sequence[Line]) -> Line | None:
    first = lines[0]
    if not all(np.array_equal(line.x, first.x) for line in lines):
        return None
    weights = [line.n for line in lines]
    return replace(
        first,
        y=_mean([line.y for line in lines], weights),
        low=_bounds([line.low for line in lines], weights),
        high=_bounds([line.high for line in lines], weights),
        n=max(weights),
    )


def _histograms(first: Histogram, all_: Sequence[Histogram]) -> Histogram:
    names = [bars.name for bars in first.groups]
    alike = all(
        np.array_equal(other.edges, first.edges) and [bars.name for bars in other.groups] == names for other in all_
    )
    if not alike:
        return first
    groups = []
    for place, name in enumerate(names):
        found = [other.groups[place] for other in all_]
        weights = [bars.n for bars in found]
        groups.append(Bars(name, _mean([bars.shares for bars in found], weights), max(weights)))
    return replace(first, groups=tuple(groups))


def _matrices(first: Matrix, all_: Sequence[Matrix]) -> Matrix:
    if not all((other.row_names, other.column_names) == (first.row_names, first.column_names) for other in all_):
        return first
    even = [1] * len(all_)
    return replace(
        first,
        values=_mean([other.values for other in all_], even),
        low=_bounds([other.low for other in all_], even),
        high=_bounds([other.high for other in all_], even),
    )


def _mean(values: Sequence[np.ndarray], weights: Sequence[int]) -> np.ndarray:
    shares = np.array(weights, dtype=np.float64) if sum(weights) else np.ones(len(weights))
    mean: np.ndarray = np.average(np.stack(values), axis=0, weights=shares)
    return mean


def _bounds(values: Sequence[np.ndarray | None], weights: Sequence[int]) -> np.ndarray | None:
    there = [item for item in values if item is not None]
    return _mean(there, weights) if len(there) == len(values) else None


def merged(found: Sequence[Mapping[str, Exhibit]]) -> dict[str, Exhibit]:
    """Exhibits by name, those of one name averaged, in the order in which the names first come."""
    names = dict.fromkeys(name for exhibits in found for name in exhibits)
    return {name: average([exhibits[name] for exhibits in found if name in exhibits]) for name in names}
