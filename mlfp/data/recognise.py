"""Which data set a folder is laid out as, when nobody says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlfp.errors import ComponentImportError, UsageError
from mlfp.plugins import registry
from mlfp.registry import BUILT_IN, Component


@dataclass(frozen=True)
class Recognised:
    """A layout that a folder shows.

    :param name: of the data set, as ``name:path`` takes it.
    :param evidence: what in the folder shows it.
    """

    name: str
    evidence: str


def recognise(folder: Path) -> Recognised | None:
    """The data set whose layout a folder shows; None where it shows none.

    :raises UsageError: it shows several.
    """
    asked = [(component, _recogniser(component)) for component in registry().components("dataset")]
    found = [
        Recognised(component.name if component.plugin == BUILT_IN else component.id, evidence)
        for component, ask in asked
        if ask is not None and (evidence := _answer(ask, folder))
    ]
    if len(found) > 1:
        raise UsageError(
            f"{str(folder)!r} is laid out as {' and as '.join(item.name for item in found)}",
            hints=[
                *(f"{item.name}, for there is {item.evidence}" for item in found),
                f"Say which: {' or '.join(f'{item.name}:{folder}' for item in found)}",
            ],
        )
    return found[0] if found else None


def _recogniser(component: Component) -> Callable[[Path], Any] | None:
    """None for a data set that has none, or that cannot be imported here: it could not read the folder either."""
    try:
        found = getattr(component.load(), "recognise", None)
    except ComponentImportError:
        return None
    return found if callable(found) else None


def _answer(ask: Callable[[Path], Any], folder: Path) -> str:
    """Whatever goes wrong in a plugin's glimpse at some folder is no reason not to read it by another."""
    try:
        return str(ask(folder) or "")
    except Exception:  # a plugin's code may raise anything
        return ""
