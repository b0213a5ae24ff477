"""What of a method is searched, and where: hyper-parameters and the values that they may take."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlfp.errors import ParameterError, nearest

if TYPE_CHECKING:
    import optuna

_KEYS = ("low", "high", "log", "whole")


@dataclass(frozen=True)
class Range:
    """The values of one hyper-parameter: those between two numbers, or those of a list.

    :param low: the least.
    :param high: the most.
    :param log: evenly on a logarithmic scale.
    :param whole: whole numbers alone.
    :param choices: the values, where it is a list; the ends are None then.
    """

    low: float | None = None
    high: float | None = None
    log: bool = False
    whole: bool = False
    choices: tuple[Any, ...] = ()

    @classmethod
    def parse(cls, value: Any) -> Range:
        """Read ``{low, high, log, whole}`` or a list.

        :raises ParameterError: it is neither, or no range.
        """
        if isinstance(value, list) and len(value) >= 2:
            return cls(choices=tuple(value))
        if not isinstance(value, Mapping) or not {"low", "high"} <= set(value):
            raise ParameterError(
                f"expected a range or a list of two values or more, got {value!r}",
                hints=["Write {low: 0.01, high: 1, log: true}, or [0.1, 0.2, 0.5]"],
            )
        for name in value:
            if name not in _KEYS:
                raise ParameterError(
                    f"unknown key {name!r}",
                    key=(name,),
                    hints=[*nearest(str(name), _KEYS), f"Keys: {', '.join(_KEYS)}"],
                )
        low, high = _number(value["low"], "low"), _number(value["high"], "high")
        log, whole = _truth(value, "log"), _truth(value, "whole")
        if not low < high or (log and low <= 0):
            above = " and above 0, for log" if log else ""
            raise ParameterError(f"low should be below high{above}, got {low:g} and {high:g}")
        if whole and not (low.is_integer() and high.is_integer()):
            raise ParameterError(f"low and high should be whole numbers, got {low:g} and {high:g}")
        return cls(low, high, log, whole)

    def suggest(self, trial: optuna.trial.Trial, name: str) -> Any:
        """The value that a trial of a study is to have."""
        if self.low is None or self.high is None:
            # optuna keeps numbers and words; a choice may be a mapping.
            return self.choices[trial.suggest_categorical(name, list(range(len(self.choices))))]
        if self.whole:
            return trial.suggest_int(name, int(self.low), int(self.high), log=self.log)
        return trial.suggest_float(name, self.low, self.high, log=self.log)

    def told(self, value: Any) -> Any:
        """A value as a study keeps it; None where it is none of the range's."""
        if self.low is None or self.high is None:
            return next((place for place, choice in enumerate(self.choices) if _alike(choice, value)), None)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return value if number and self.low <= value <= self.high else None

    @property
    def ends(self) -> tuple[Any, ...]:
        """The values that are tried before any training, for whether they are values at all."""
        if self.low is None or self.high is None:
            return self.choices
        # A field that takes whole numbers alone would take both ends, and nothing between them.
        return (int(self.low), int(self.high)) if self.whole else (self.low, (self.low + self.high) / 2, self.high)

    def to_json(self) -> Any:
        """As it is written in a configuration."""
        if self.choices:
            return list(self.choices)
        return {"low": self.low, "high": self.high, "log": self.log, "whole": self.whole}


#: A method's hyper-parameters by dotted field, such as ``objective.0.loss.margin``.
Space = Mapping[str, Range]


def _number(value: Any, name: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if isinstance(value, bool) or not math.isfinite(number):
        raise ParameterError(f"{name} should be a number, got {value!r}", key=(name,))
    return number


def _truth(value: Mapping[str, Any], name: str) -> bool:
    found = value.get(name, False)
    if not isinstance(found, bool):
        raise ParameterError(f"{name} should be true or false, got {found!r}", key=(name,))
    return found


def _alike(one: Any, other: Any) -> bool:
    """Whether two values are the same, a bare name being the component of that name."""
    one, other = ({"use": item} if isinstance(item, str) else item for item in (one, other))
    return bool(one == other)


def placed(settings: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with values at dotted fields, in which numbers count the items of lists.

    :raises ParameterError: a field is none of the settings'.
    """
    changed = copy.deepcopy(dict(settings))
    for field, value in values.items():
        *parents, last = field.split(".")
        place: Any = changed
        for part in parents:
            place = _within(place, part, field)
        if isinstance(place, list):
            _within(place, last, field)
            place[int(last)] = value
        elif isinstance(place, dict):
            place[last] = value
        else:
            raise _no_field(field)
    return changed


def present(settings: Mapping[str, Any], space: Space) -> dict[str, Any]:
    """The values that settings have at the fields of a space, as a study keeps them; those beyond it are left out."""
    found: dict[str, Any] = {}
    for field, values in space.items():
        place: Any = settings
        for part in field.split("."):
            try:
                place = place[int(part)] if isinstance(place, list) else place[part]
            except (KeyError, TypeError, IndexError, ValueError):
                break
        else:
            if (kept := values.told(place)) is not None:
                found[field] = kept
    return found


def ends(space: Space) -> Iterator[dict[str, Any]]:
    """Values to check beforehand: each end of each range, the others at their first."""
    first = {field: values.ends[0] for field, values in space.items()}
    for field, values in space.items():
        for value in values.ends:
            yield {**first, field: value}


def _within(place: Any, part: str, field: str) -> Any:
    if isinstance(place, list) and part.isdecimal() and int(part) < len(place):
        return place[int(part)]
    if isinstance(place, dict):
        if place.get(part) is None:
            place[part] = {}
        return place[part]
    raise _no_field(field)


def _no_field(field: str) -> ParameterError:
    return ParameterError(
        f"{field} is no field of the method", hints=["As in objective.0.loss.margin; items are counted from 0."]
    )
