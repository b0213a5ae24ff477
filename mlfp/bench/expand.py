"""From a base and what varies to the methods that are compared."""

from __future__ import annotations

import copy
import dataclasses
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlfp.bench.source import Key
from mlfp.errors import ParameterError

#: How the parts of a label are joined when several things vary.
JOINER = " · "


@dataclass(frozen=True)
class Variant:
    """One method to train.

    :param label: its name in tables.
    :param settings: the mapping of ``base`` with what varies put in.
    :param keys: where in the configuration each varied field was written, for messages.
    """

    label: str
    settings: Mapping[str, Any]
    keys: Mapping[str, Key]


@dataclass(frozen=True)
class _Choice:
    """One value of one thing that varies."""

    field: str
    label: str
    value: Any
    key: Key


def variants(data: Mapping[str, Any]) -> list[Variant]:
    """The methods of a configuration: the product of ``grid``, by the pairs of ``zip``, by the list of ``runs``.

    With none of them, the base itself is the one method.

    :raises ParameterError: what varies is not written as labels or a list, lists of ``zip`` differ in length, or two
        methods have the same label.
    """
    grid = [_choices("grid", field, value) for field, value in _mapping(data, "grid").items()]
    columns = [_choices("zip", field, value) for field, value in _mapping(data, "zip").items()]
    if len({len(column) for column in columns}) > 1:
        lengths = ", ".join(f"{column[0].field} {len(column)}" for column in columns)
        raise ParameterError(f"the lists of zip must be equally long, got {lengths}", key=("zip",))
    paired = [_labelled_once(row) for row in zip(*columns, strict=True)] or [[]]
    base = _mapping(data, "base")
    found = []
    for product in itertools.product(*grid):
        for row, run in itertools.product(paired, _runs(data)):
            found.append(_variant(base, [*product, *row, *run]))
    labels = [variant.label for variant in found]
    for label in labels:
        if labels.count(label) > 1:
            raise ParameterError(f"two methods are labelled {label!r}", hints=["Give them labels: {name: value, ...}"])
    return found


def _labelled_once(row: tuple[_Choice, ...]) -> list[_Choice]:
    """A row of ``zip`` that says the same of several fields says it once: ``at=30``, the step of two weights."""
    if len({choice.label for choice in row}) > 1:
        return list(row)
    return [row[0], *(dataclasses.replace(choice, label="") for choice in row[1:])]


def _mapping(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = data.get(key) or {}
    if not isinstance(value, Mapping):
        raise ParameterError(f"{key} should be a mapping, got {value!r}", key=(key,))
    return value


def _choices(section: str, field: str, value: Any) -> list[_Choice]:
    """A varied field's values, as labels to values or as a plain list."""
    if isinstance(value, Mapping) and "use" not in value and value:
        return [_Choice(field, str(label), item, (section, field, label)) for label, item in value.items()]
    if isinstance(value, list) and value:
        return [_Choice(field, _label(field, item), item, (section, field, place)) for place, item in enumerate(value)]
    raise ParameterError(
        f"{section}.{field} should be a list of values or a mapping of labels to values, got {value!r}",
        key=(section, field),
        hints=["For example: {small: {use: compact-2d}, large: {use: resnet18-2d}}"],
    )


def _label(field: str, value: Any) -> str:
    name = value.get("use", value) if isinstance(value, Mapping) else value
    return str(name) if isinstance(name, str) else f"{field.rsplit('.', 1)[-1]}={name}"


def _runs(data: Mapping[str, Any]) -> list[list[_Choice]]:
    """``runs`` maps a label to the fields it changes; each run is the list of its changes."""
    runs = _mapping(data, "runs")
    if not runs:
        return [[]]
    found = []
    for label, fields in runs.items():
        if fields is not None and not isinstance(fields, Mapping):
            raise ParameterError(f"run {label!r} should map fields to values, got {fields!r}", key=("runs", label))
        changes = [_Choice(field, "", value, ("runs", label, field)) for field, value in (fields or {}).items()]
        found.append([_Choice("", label, None, ("runs", label)), *changes])
    return found


def _variant(base: Mapping[str, Any], choices: list[_Choice]) -> Variant:
    settings: dict[str, Any] = copy.deepcopy(dict(base))
    keys: dict[str, Key] = {}
    for choice in choices:
        if choice.field:
            _put(settings, choice)
            keys[choice.field] = choice.key
    label = JOINER.join(choice.label for choice in choices if choice.label)
    return Variant(label or _base_label(base), settings, keys)


def _base_label(base: Mapping[str, Any]) -> str:
    terms = base.get("objective")
    losses = [term.get("loss") for term in terms if isinstance(term, Mapping)] if isinstance(terms, list) else []
    names = [loss.get("use") if isinstance(loss, Mapping) else loss for loss in losses]
    return " + ".join(str(name) for name in names if name) or "base"


def _put(settings: dict[str, Any], choice: _Choice) -> None:
    """Put a value at a dotted field, in which numbers count the items of lists (``objective.0.weight.at``).

    Plain mappings (``train``, ``batch``) are merged; components are replaced.
    """
    *parents, last = choice.field.split(".")
    place: Any = settings
    for depth, part in enumerate(parents, 1):
        place = _item(place, part, choice) if isinstance(place, list) else place.setdefault(part, {})
        if not isinstance(place, dict | list):
            so_far = ".".join(parents[:depth])
            raise ParameterError(f"{choice.field} is no field of base: {so_far!r} is no mapping", key=choice.key)
    old = _item(place, last, choice) if isinstance(place, list) else place.get(last)
    value = copy.deepcopy(choice.value)
    if isinstance(old, dict) and isinstance(value, dict) and "use" not in old and "use" not in value:
        value = {**old, **value}
    place[int(last) if isinstance(place, list) else last] = value


def _item(items: list[Any], part: str, choice: _Choice) -> Any:
    """The item of a list that a part of a dotted field counts, from 0."""
    if not (part.isdecimal() and int(part) < len(items)):
        count = f"a list of {len(items)}"
        raise ParameterError(
            f"{choice.field} is no field of base: {part!r} counts no item of {count}",
            key=choice.key,
            hints=["Items are counted from 0: objective.0.weight"],
        )
    return items[int(part)]
