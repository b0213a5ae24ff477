"""A component as a configuration names it: ``{use: triplet, margin: 0.2}``, or just ``triplet``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlfp.errors import ParameterError


@dataclass(frozen=True)
class Spec:
    """The name of a component and the parameters its user gave.

    :param use: ``name``, ``plugin/name``, or ``library:Class``.
    :param parameters: as given; checked against the component's signature when it is built.
    """

    use: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, value: object) -> Spec:
        """Read a name or a mapping with ``use``.

        :raises ParameterError: for anything else.
        """
        if isinstance(value, Spec):
            return value
        if isinstance(value, str):
            return cls(value)
        if isinstance(value, Mapping):
            if isinstance(value.get("use"), str):
                return cls(value["use"], {key: item for key, item in value.items() if key != "use"})
            raise ParameterError(
                f"a component needs 'use' with its name, got {dict(value)!r}",
                hints=["Write, for example: {use: triplet, margin: 0.2}"],
            )
        raise ParameterError(f"expected a component's name or a mapping with 'use', got {value!r}")

    def to_config(self) -> dict[str, Any]:
        """The mapping this was, or could have been, read from."""
        return {"use": self.use, **self.parameters}
