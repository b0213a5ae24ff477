"""What pydantic found wrong, said in our words and placed under a key of the configuration."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from mlfp.errors import ParameterError, nearest

#: Stands in a complaint for the path of the value, which only the end of reading knows.
HERE = "<here>"
Path = tuple[str | int, ...]


def complaint(what: str, *hints: str, key: Path = ()) -> PydanticCustomError:
    """What a validator raises to be heard as a :class:`~mlfp.errors.ParameterError`.

    :param what: one sentence; :data:`HERE` in it becomes the path of the value.
    :param key: the path below the value that is being validated.
    """
    return PydanticCustomError("mlfp", "{what}", {"what": what, "hints": hints, "key": key})


def explained(error: ValidationError, keys_at: Callable[[Path], list[str]]) -> ParameterError:
    """One of pydantic's complaints as an error that teaches.

    An unknown key comes first: a misspelt one also shows as a missing one.

    :param keys_at: the keys that are valid at a path.
    """
    first = min(error.errors(include_url=False), key=lambda item: item["type"] != "extra_forbidden")
    key = tuple(first["loc"])
    name = ".".join(map(str, key)) or "the training"
    context = first.get("ctx", {})
    if first["type"] == "mlfp":
        what = context["what"].replace(HERE, name)
        return ParameterError(what, key=(*key, *context["key"]), hints=context["hints"])
    if first["type"] == "extra_forbidden":
        known = keys_at(key[:-1])
        hints = [*nearest(str(key[-1]), known), f"Keys here: {', '.join(known)}"]
        return ParameterError(f"unknown key {str(key[-1])!r}", key=key, hints=hints)
    if first["type"] == "missing":
        hints = ["For example: encoder: compact-2d"] if key == ("encoder",) else []
        return ParameterError(f"{name} is missing", key=key, hints=hints)
    wanted = first["msg"].replace("Input ", "").replace("List ", "")
    return ParameterError(f"{name} {wanted[0].lower()}{wanted[1:]}, got {first['input']!r}", key=key)
