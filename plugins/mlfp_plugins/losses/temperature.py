"""The temperature of a softmax."""

from __future__ import annotations

from mlfp.errors import ParameterError


def checked_temperature(temperature: float) -> float:
    """Itself.

    :raises ParameterError: it is not above zero.
    """
    if not temperature > 0:
        raise ParameterError(f"temperature should be above 0, got {temperature}", key=("temperature",))
    return temperature
