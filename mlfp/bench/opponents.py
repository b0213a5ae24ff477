"""What is compared without training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlfp.errors import ParameterError
from mlfp.plugins import registry
from mlfp.types.spec import Spec

#: The method that is a model before its training.
UNTRAINED = "untrained"


@dataclass(frozen=True)
class Opponent:
    """A method that is compared without training: a scorer, or ``untrained``.

    :param preprocess: a scorer's own chain; None where it is the comparison's.
    """

    label: str
    spec: Spec
    preprocess: tuple[Spec, ...] | None = None


def parse(value: Any) -> Opponent:
    """Read a name, or a mapping with ``use``.

    :raises ParameterError: it is none, or no preprocessing.
    """
    spec = Spec.parse(value)
    label = spec.parameters.get("name", spec.use)
    rest = {key: item for key, item in spec.parameters.items() if key not in ("name", "preprocess")}
    return Opponent(str(label), Spec(spec.use, rest), _own_chain(spec))


def _own_chain(spec: Spec) -> tuple[Spec, ...] | None:
    """The preprocessing that a scorer has for itself."""
    steps = spec.parameters.get("preprocess")
    if steps is None:
        return None
    if spec.use == UNTRAINED:
        raise ParameterError("'untrained' sees what the trained methods see", key=("preprocess",))
    if not isinstance(steps, list | tuple):
        hint = "Write, for example: preprocess: [{use: resample, spacing: 4.5}]"
        raise ParameterError(f"preprocess should be a list, got {steps!r}", key=("preprocess",), hints=[hint])
    found = []
    for place, step in enumerate(steps):
        try:
            found.append(Spec.parse(step))
            registry().find("preprocessor", found[-1].use)
        except ParameterError as error:
            raise error.under("preprocess", place) from error
    return tuple(found)
