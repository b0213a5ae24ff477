"""A component's parameters are the signature of what makes it: read here, checked here, shown as JSON schema here."""

from __future__ import annotations

import inspect
import math
import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union

from pydantic import ConfigDict, PydanticSchemaGenerationError, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from mlfp.errors import ParameterError, nearest
from mlfp.types.spec import Spec

_REQUIRED = inspect.Parameter.empty
_DOCUMENTED = re.compile(r"^:param (\w+):(.*(?:\n[ \t]+.*)*)", re.MULTILINE)


@dataclass(frozen=True)
class Parameter:
    """One keyword of a component.

    :param name: the keyword.
    :param annotation: its type, ``Any`` where the signature says none.
    :param default: its default, or ``inspect.Parameter.empty``.
    :param doc: what the docstring's ``:param name:`` says of it.
    :param inherited: whether it is a base's, reached through ``**kwargs``; the class may give it a value of its own.
    """

    name: str
    annotation: Any
    default: Any
    doc: str = ""
    inherited: bool = False

    @property
    def required(self) -> bool:
        """Whether it has to be given. Of a base's keyword without default only the constructor knows."""
        return self.default is _REQUIRED and not self.inherited

    @property
    def type(self) -> str:
        """Its type in words: ``float``, ``'easy', 'medium' or 'hard'``, ``any``."""
        return said(self.annotation)

    def describe(self) -> str:
        """For a message: ``margin (float, default 0.2)``."""
        if self.default is _REQUIRED:
            return f"{self.name} ({self.type}{'' if self.inherited else ', required'})"
        return f"{self.name} ({self.type}, default {self.default!r})"


def parameters_of(target: Callable[..., Any]) -> tuple[dict[str, Parameter], bool]:
    """The keywords a callable takes, and whether it takes any others besides.

    A class whose constructor passes ``**kwargs`` on is read along its bases, as those of pytorch-metric-learning need.
    """
    found: dict[str, Parameter] = {}
    docs = _documented(target)
    for place, function in enumerate(_constructors(target)):
        hints, open_ended = _hints(function), False
        for name, item in _keywords(function, bound=inspect.isclass(target)).items():
            if item.kind is item.VAR_KEYWORD:
                open_ended = True
            elif item.kind in (item.POSITIONAL_OR_KEYWORD, item.KEYWORD_ONLY):
                annotation, doc = hints.get(name, Any), docs.get(name, "")
                found.setdefault(name, Parameter(name, annotation, item.default, doc, inherited=place > 0))
        if not open_ended:
            return found, False
    return found, True


def _constructors(target: Callable[..., Any]) -> list[Callable[..., Any]]:
    """What runs when it is called: itself or, of a class, the constructors from its own to its bases'."""
    if not inspect.isclass(target):
        return [target]
    own = [base.__dict__["__init__"] for base in target.__mro__ if "__init__" in base.__dict__ and base is not object]
    # torch's own constructor takes *args and **kwargs and uses none of them; a class without any takes nothing.
    return [item for item in own if not item.__module__.startswith("torch.nn.modules.module")] or [_nothing]


def _nothing(self: object) -> None:
    """Stands for a constructor that nobody wrote."""


def _keywords(function: Callable[..., Any], *, bound: bool) -> dict[str, inspect.Parameter]:
    named = dict(inspect.signature(function).parameters)
    if bound:
        named.pop(next(iter(named)), None)  # self
    return named


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function, include_extras=True)
    except (NameError, TypeError, AttributeError):  # an annotation that exists for type checkers only
        return {}


def _documented(target: Callable[..., Any]) -> dict[str, str]:
    """The texts of ``:param name:`` in a callable's docstring, or its constructor's; a child's word counts first."""
    bases = target.__mro__ if inspect.isclass(target) else ()
    found: dict[str, str] = {}
    for item in [part for base in bases for part in (base, vars(base).get("__init__"))] or [target]:
        for name, text in _DOCUMENTED.findall(inspect.cleandoc(item.__doc__ or "")):
            found.setdefault(name, " ".join(text.split()))
    return found


def check(
    target: Callable[..., Any], given: Mapping[str, Any], *, component: str, context: Mapping[str, Any]
) -> dict[str, Any]:
    """The keywords to call ``target`` with: those given, checked, and of the context those it takes.

    :param context: what the engine offers (``in_channels``, ``num_classes``, ``distance``, ...); what the user
        gave wins.
    :raises ParameterError: an unknown keyword, a value of the wrong type, or a required one missing.
    """
    known, open_ended = parameters_of(target)
    checked: dict[str, Any] = {name: value for name, value in context.items() if name in known}
    for name, value in given.items():
        if name in known:
            checked[name] = convert(known[name].annotation, value, what=f"{component}: {name}", key=(name,))
        elif open_ended:
            checked[name] = value
        else:
            offered = [item for item in known.values() if item.name not in context]
            raise ParameterError(
                f"{component} has no parameter {name!r}",
                key=(name,),
                hints=[*nearest(str(name), [item.name for item in offered]), _takes(offered)],
            )
    missing = [item for item in known.values() if item.required and item.name not in checked]
    if missing:
        raise ParameterError(
            f"{component} needs a value for {' and '.join(item.name for item in missing)}",
            hints=[f"{item.describe()}: {item.doc}" if item.doc else item.describe() for item in missing],
        )
    return checked


def _takes(offered: list[Parameter]) -> str:
    if not offered:
        return "It takes no parameters."
    return "It takes: " + ", ".join(item.describe() for item in offered)


def convert(annotation: Any, value: Any, *, what: str, key: tuple[str | int, ...] = ()) -> Any:
    """The value as this type; text that is a number counts as one where a number is due (YAML reads ``1e-3`` as text).

    What pydantic cannot check, and a part of its own (``{use: ...}``), is left as it is: the constructor will see. One
    that asks for a :class:`~mlfp.types.spec.Spec` builds it by itself.

    :raises ParameterError: it is no such value.
    """
    if annotation is Spec:
        return _spec(value, key)
    if annotation is Any or (isinstance(value, Mapping) and "use" in value):
        return value
    adapter = _adapter(annotation)
    if adapter is None:
        return value
    if {int, float, str} & set(_options(annotation)) == {int}:
        value = whole(value)
    refusal = ParameterError(
        f"{what} should be {said(annotation)}, got {value!r}", key=key, hints=_near(annotation, value)
    )
    # pydantic takes true for 1, and nan for a number; in a configuration both are slips.
    if (isinstance(value, bool) and _is_number(annotation)) or (isinstance(value, float) and math.isnan(value)):
        raise refusal
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        raise refusal from error


def whole(value: Any) -> Any:
    """Text such as ``1e4`` as the whole number it is; anything else as it was."""
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            return value
        return int(number) if number.is_integer() else value
    return value


def _spec(value: Any, key: tuple[str | int, ...]) -> Spec:
    try:
        return Spec.parse(value)
    except ParameterError as error:
        raise error.under(*key) from error


def _adapter(annotation: Any) -> TypeAdapter[Any] | None:
    """What checks a type; None where pydantic knows no way."""
    # A dataclass or a model brings its own configuration and refuses another.
    for config in (ConfigDict(arbitrary_types_allowed=True), None):
        try:
            return TypeAdapter(annotation, config=config)
        except (PydanticSchemaGenerationError, PydanticUserError):
            continue
    return None


def _options(annotation: Any) -> tuple[Any, ...]:
    """The types that a union offers, or the type alone; without what ``Annotated`` adds."""
    if typing.get_origin(annotation) is Annotated:
        return _options(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in (Union, types.UnionType):
        return tuple(option for item in typing.get_args(annotation) for option in _options(item))
    return (annotation,)


def _is_number(annotation: Any) -> bool:
    options = _options(annotation)
    return bool({int, float} & set(options)) and bool not in options


def _near(annotation: Any, value: Any) -> list[str]:
    """The nearest of the values that a ``Literal`` lists."""
    options = [option for option in _options(annotation) if typing.get_origin(option) is Literal]
    return nearest(str(value), [str(choice) for option in options for choice in typing.get_args(option)])


def said(annotation: Any) -> str:
    """A type in words, for messages and lists."""
    words: list[str] = []
    for option in _options(annotation):
        if typing.get_origin(option) is Literal:
            words += [repr(choice) for choice in typing.get_args(option)]
        elif option in (Any, Spec):
            words.append("any" if option is Any else "component")
        else:
            words.append("null" if option is type(None) else _formatted(option))
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _formatted(annotation: Any) -> str:
    """``list[float]``, ``Path``: without the modules that the names come from."""
    return re.sub(r"\b(?:\w+\.)+(\w+)", r"\1", inspect.formatannotation(annotation))


def json_schema(target: Callable[..., Any], *, without: Iterable[str] = ()) -> dict[str, Any]:
    """JSON schema (draft 2020-12) of a component's parameters.

    :param without: those that the engine provides.
    """
    known, open_ended = parameters_of(target)
    shown = [item for item in known.values() if item.name not in set(without)]
    definitions: dict[str, Any] = {}
    schema: dict[str, Any] = {
        "title": getattr(target, "__name__", "parameters"),
        "type": "object",
        "properties": {item.name: _property(item, definitions) for item in shown},
        "additionalProperties": open_ended,
    }
    required = [item.name for item in shown if item.required]
    return schema | ({"required": required} if required else {}) | ({"$defs": definitions} if definitions else {})


def _property(item: Parameter, definitions: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    adapter = _adapter(str | dict[str, Any] if item.annotation is Spec else item.annotation)
    if adapter is not None:
        try:
            schema = adapter.json_schema()
        except PydanticUserError:  # a type that JSON has no word for: any value goes
            schema = {}
    definitions.update(schema.pop("$defs", {}))
    if item.default is not _REQUIRED:
        schema["default"] = _plain(item.default)
    return schema | ({"description": item.doc} if item.doc else {})


def _plain(default: Any) -> Any:
    """A default as JSON has it."""
    if isinstance(default, list | tuple):
        return [_plain(item) for item in default]
    if isinstance(default, dict):
        return {str(key): _plain(item) for key, item in default.items()}
    return default if isinstance(default, bool | int | float | str | None) else str(default)
