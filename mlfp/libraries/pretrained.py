"""``pretrained``: the keyword by which an encoder is told of weights that somebody trained before. Imports no torch."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlfp.errors import ParameterError

#: True for the library's own weights, or the path of a file.
PRETRAINED = "pretrained"


def without(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """An encoder's parameters without it, its parts' too: what a model is built with whose own weights are at hand."""
    rest = {name: value for name, value in parameters.items() if name != PRETRAINED}
    return {name: without(value) if isinstance(value, Mapping) else value for name, value in rest.items()}


def by_content(parameters: Mapping[str, Any], key: tuple[str, ...] = ("encoder",)) -> dict[str, Any]:
    """An encoder's parameters with the hash of the file where they name its path, for what decides a run's numbers.

    Another file at the same path makes another run; the same file in another folder makes none.

    :param key: where they stand in a configuration.
    :raises ParameterError: there is no such file.
    """
    found = dict(parameters)
    for name, value in parameters.items():
        if isinstance(value, Mapping):
            found[name] = by_content(value, (*key, name))
        elif name == PRETRAINED and isinstance(value, str | Path):
            path = Path(value).expanduser()
            if not path.is_file():
                raise ParameterError(
                    f"there is no file of weights at {value}",
                    key=(*key, name),
                    hints=["A path is taken from the folder that mlfp is called in. 'true' asks for a download."],
                )
            state = path.stat()
            found[name] = f"{path.name} sha256:{_hashed(path.resolve(), state.st_size, state.st_mtime_ns)[:16]}"
    return found


@functools.lru_cache(maxsize=256)
def _hashed(path: Path, size: int, changed: int) -> str:
    """Of a file's content; size and time of change tell whether it has to be read again."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
