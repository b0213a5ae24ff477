"""What a paper printed, beside what came out here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlfp import parameters
from mlfp.errors import ParameterError, nearest
from mlfp.types.estimate import Estimate

if TYPE_CHECKING:
    from mlfp.bench.results import Row

KEYS = ("source", "unit", "values")
_UNITS = {"percent": 0.01, "fraction": 1.0}


@dataclass(frozen=True)
class Expectation:
    """One printed number.

    :param label: the method's.
    :param metric: ``evaluation.metric``.
    :param value: in the metric's own unit: a share is from 0 to 1.
    :param source: where it is printed.
    """

    label: str
    metric: str
    value: float
    source: str = ""

    def to_json(self) -> dict[str, Any]:
        """For :meth:`of_json`."""
        return {"label": self.label, "metric": self.metric, "value": self.value, "source": self.source}

    @classmethod
    def of_json(cls, data: Mapping[str, Any]) -> Expectation:
        """What :meth:`to_json` told, whatever stands beside it."""
        return cls(data["label"], data["metric"], float(data["value"]), data["source"])


@dataclass(frozen=True)
class Beside:
    """A printed number, and ours.

    :param here: None where the method or the metric was not measured.
    """

    printed: Expectation
    here: Estimate | None

    @property
    def difference(self) -> float | None:
        """Ours less the printed one."""
        return None if self.here is None else self.here.value - self.printed.value

    @property
    def within(self) -> bool | None:
        """Whether the printed number lies in our interval; None where there is none."""
        if self.here is None or not self.here.low <= self.here.high:
            return None
        return self.here.low <= self.printed.value <= self.here.high

    def to_json(self) -> dict[str, Any]:
        """The printed number, and ours with its interval, the difference, and whether it is within."""
        here = None if self.here is None else self.here.to_json()
        return {**self.printed.to_json(), "here": here, "difference": self.difference, "within": self.within}


def beside(expected: Iterable[Expectation], rows: Iterable[Row]) -> list[Beside]:
    """Every printed number with ours."""
    found = {row.label: row for row in rows}
    return [
        Beside(item, found[item.label].metrics.get(item.metric) if item.label in found else None) for item in expected
    ]


def parse(value: Any, *, labels: Iterable[str], evaluations: Iterable[str]) -> tuple[Expectation, ...]:
    """Read what a configuration says under ``expected``.

    :param labels: the methods'.
    :param evaluations: their names.
    :raises ParameterError: an unknown key, method or evaluation, or what is no number.
    """
    if not isinstance(value, Mapping) or not isinstance(value.get("values"), Mapping):
        raise ParameterError(
            "expected should have 'values': a mapping from method to metric to number",
            hints=["expected: {source: Table 2, unit: percent, values: {infonce: {retrieval.hit_at_3: 95.5}}}"],
        )
    _known("expected", value, KEYS)
    unit = value.get("unit", "fraction")
    if unit not in _UNITS:
        raise ParameterError(f"unit should be percent or fraction, got {unit!r}", key=("unit",))
    labels, evaluations = list(labels), list(evaluations)
    return tuple(_items(value["values"], labels, evaluations, _UNITS[unit], str(value.get("source", ""))))


def _items(
    values: Mapping[str, Any], labels: list[str], evaluations: list[str], unit: float, source: str
) -> Iterator[Expectation]:
    _known("values", values, labels, key=("values",), what="method")
    for label, metrics in values.items():
        if not isinstance(metrics, Mapping):
            raise ParameterError(f"expected a mapping from metric to number, got {metrics!r}", key=("values", label))
        for metric, number in metrics.items():
            key = ("values", label, metric)
            _known("values", [str(metric).split(".")[0]], evaluations, key=key[:2], what="evaluation")
            printed: float = parameters.convert(float, number, what=f"expected {metric}", key=key)
            yield Expectation(label, metric, round(printed * unit, 10), source)


def _known(
    title: str, given: Iterable[str], known: Iterable[str], *, key: tuple[str, ...] = (), what: str = "key"
) -> None:
    known = list(known)
    for name in given:
        if name not in known:
            raise ParameterError(
                f"{title} names no {what} of this comparison: {name!r}",
                key=(*key, str(name)) if what != "evaluation" else key,
                hints=[*nearest(str(name), known), f"There are: {', '.join(known)}"],
            )
