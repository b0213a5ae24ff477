"""What an evaluation is, as a configuration writes it. Reading it imports no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mlfp import parameters
from mlfp.errors import ParameterError, nearest
from mlfp.types.spec import Spec

#: What an evaluation is asked beside the parameters of its evaluator.
KEYS = ("use", "name", "side", "query", "gallery", "across", "move", "derive", "ignore")
#: Whose scans are measured on.
SIDES = ("test", "val")
#: How queries may be moved in the scanner: degrees, mm, fraction; the share that is inverted; the seed of the draw, and
#: how often it is drawn.
MOVES = ("rotate", "shift", "scale", "negative", "seed", "draws")


@dataclass(frozen=True)
class EvaluationSpec:
    """An evaluator with the scans it is shown.

    :param spec: the evaluator and its own parameters.
    :param name: what its metrics are filed under; the evaluator's name unless given.
    :param side: of the split: ``test``, or ``val`` to choose by what the test scans have no say in.
    :param query: columns of the scan table and the values (one, or a list) that queries must have.
    :param gallery: the same for the gallery.
    :param across: a column of which every ordered pair of different values is compared: queries have the one, the
        gallery the other.
    :param move: how far queries are moved before preprocessing: at most ``rotate`` degrees, ``shift`` mm and ``scale``
        (a fraction) along each axis; a share ``negative`` of them is inverted inside the head, bright for dark. With
        ``draws`` each asks so often, moved by ``seed``, ``seed + 1``, ..., and counts with its mean.
    :param derive: further preprocessing, after that of the comparison, of queries and gallery alike: how a method
        trained on some scans does on others made of them.
    :param ignore: columns in which a scan of the query's subject must differ from the query to count.
    """

    spec: Spec
    name: str
    side: str = "test"
    query: Mapping[str, Any] = field(default_factory=dict)
    gallery: Mapping[str, Any] = field(default_factory=dict)
    across: str | None = None
    move: Mapping[str, float] | None = None
    derive: tuple[Spec, ...] = ()
    ignore: tuple[str, ...] = ()

    @classmethod
    def parse(cls, value: object) -> EvaluationSpec:
        """Read a name, or a mapping with ``use``.

        :raises ParameterError: for anything else, or for a value of the wrong kind.
        """
        if isinstance(value, EvaluationSpec):
            return value
        spec = Spec.parse(value)
        given = dict(spec.parameters)
        name = given.pop("name", spec.use.split("/")[-1])
        if not isinstance(name, str) or not name or "." in name:
            raise ParameterError(
                f"an evaluation's name should be a word without '.', got {name!r}",
                key=("name",),
                hints=["Its metrics are called name.metric."],
            )
        return cls(
            name=name,
            side=_side(given.pop("side", "test")),
            query=_conditions("query", given.pop("query", None)),
            gallery=_conditions("gallery", given.pop("gallery", None)),
            across=_column(given.pop("across", None)),
            move=_move(given.pop("move", None)),
            derive=_steps(given.pop("derive", None)),
            ignore=_columns(given.pop("ignore", None)),
            spec=Spec(spec.use, given),
        )

    def draws(self) -> tuple[EvaluationSpec, ...]:
        """The same, once for each time that its queries are moved."""
        if self.move is None or "draws" not in self.move:
            return (self,)
        rest = {key: value for key, value in self.move.items() if key != "draws"}
        seeds = range(int(rest.get("seed", 0)), int(rest.get("seed", 0) + self.move["draws"]))
        return tuple(replace(self, move={**rest, "seed": seed}) for seed in seeds)

    def smoke(self) -> EvaluationSpec:
        """The same for a few subjects: N-way episodes take all there are, as they would never have N."""
        if self.spec.use.rpartition("/")[2] != "few-shot" and "ways" not in self.spec.parameters:
            return self
        return replace(self, spec=Spec(self.spec.use, {**self.spec.parameters, "ways": "all"}))

    def to_config(self) -> dict[str, Any]:
        """The mapping this could have been read from, without what has its default."""
        optional = {
            "side": None if self.side == "test" else self.side,
            "query": dict(self.query),
            "gallery": dict(self.gallery),
            "across": self.across,
            "move": None if self.move is None else dict(self.move),
            "derive": [step.to_config() for step in self.derive],
            "ignore": list(self.ignore),
        }
        return {**self.spec.to_config(), "name": self.name, **{key: item for key, item in optional.items() if item}}


def _side(value: object) -> str:
    if value in SIDES:
        return str(value)
    raise ParameterError(
        f"side should be one of {', '.join(SIDES)}, got {value!r}",
        key=("side",),
        hints=nearest(str(value), SIDES),
    )


def _conditions(key: str, value: object) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(column, str) for column in value):
        raise ParameterError(
            f"{key} should map columns to values, got {value!r}",
            key=(key,),
            hints=[f"Write, for example: {key}: {{modality: T1}}"],
        )
    return {column: list(item) if isinstance(item, list | tuple) else item for column, item in value.items()}


def _column(value: object) -> str | None:
    if value is None or (isinstance(value, str) and value):
        return value
    raise ParameterError(f"across should be the name of a column, got {value!r}", key=("across",))


def _columns(value: object) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else [] if value is None else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise ParameterError(f"ignore should be a list of columns, got {value!r}", key=("ignore",))
    return tuple(names)


def _steps(value: object) -> tuple[Spec, ...]:
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise ParameterError(
            f"derive should be a list of preprocessors, got {value!r}",
            key=("derive",),
            hints=["Write, for example: derive: [{use: synthetic-contrast, negative: 0.5}]"],
        )
    steps = []
    for place, step in enumerate(value):
        try:
            steps.append(Spec.parse(step))
        except ParameterError as error:
            raise error.under("derive", place) from error
    return tuple(steps)


def _move(value: object) -> dict[str, float] | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise ParameterError(
            f"move should say how far, got {value!r}",
            key=("move",),
            hints=["Write, for example: move: {rotate: 10, shift: 10, scale: 0.05} (degrees, mm, fraction)"],
        )
    return {str(key): _distance(key, item) for key, item in value.items()}


def _distance(key: object, value: object) -> float:
    if key not in MOVES:
        raise ParameterError(
            f"move has no parameter {key!r}",
            key=("move", str(key)),
            hints=[*nearest(str(key), MOVES), f"It takes: {', '.join(MOVES)}"],
        )
    kind = int if key in ("seed", "draws") else float
    number: float = parameters.convert(kind, value, what=f"move: {key}", key=("move", str(key)))
    least = 1 if key == "draws" else 0
    if not math.isfinite(number) or number < least:
        raise ParameterError(f"move: {key} should be {least} or more, got {value!r}", key=("move", str(key)))
    return number
