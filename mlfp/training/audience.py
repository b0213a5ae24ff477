"""Observers of a training, kept from stopping it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from mlfp.interfaces.observer import Observer


class Audience:
    """Tells every observer. One that raises is dropped with a warning, and the training goes on.

    :param observers: see :mod:`mlfp.interfaces.observer`.
    """

    def __init__(self, observers: Iterable[Observer]) -> None:
        self._observers = list(observers)

    def run_started(self, name: str, folder: Path, settings: Mapping[str, Any]) -> None:
        """A training begins or resumes."""
        self._tell(lambda observer: observer.run_started(name, folder, settings))

    def step_finished(self, step: int, values: Mapping[str, float]) -> None:
        """A step is done."""
        self._tell(lambda observer: observer.step_finished(step, values))

    def run_finished(self, values: Mapping[str, float]) -> None:
        """The training ended."""
        self._tell(lambda observer: observer.run_finished(values))

    def _tell(self, call: Callable[[Observer], None]) -> None:
        for observer in list(self._observers):
            try:
                call(observer)
            except Exception as error:  # whatever it raises, an onlooker must not end hours of training
                self._observers.remove(observer)
                name = f"{type(observer).__module__}.{type(observer).__qualname__}"
                reason = f"{type(error).__name__}: {error}"
                warnings.warn(f"observer {name} is left out from here on: {reason}", RuntimeWarning, stacklevel=3)
