"""The kinds of values that settings are made of. Reading them imports no torch."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, PlainValidator

from mlfp import parameters
from mlfp.errors import ParameterError
from mlfp.training.wording import HERE, complaint
from mlfp.types.spec import Spec


def _component(value: object) -> Spec:
    """A spec, with its own complaint turned into one that pydantic can place."""
    try:
        return Spec.parse(value)
    except ParameterError as error:
        raise complaint(error.what, *error.hints) from error


def _number(value: Any) -> Any:
    """Booleans are no numbers, though Python counts them: YAML reads ``yes`` as one."""
    if isinstance(value, bool):
        raise complaint(f"{HERE} should be a number, got {value!r}")
    return value


Component = Annotated[Spec, PlainValidator(_component), PlainSerializer(Spec.to_config)]
Count = Annotated[int, BeforeValidator(parameters.whole), BeforeValidator(_number), Field(ge=1)]
Whole = Annotated[int, BeforeValidator(parameters.whole), BeforeValidator(_number), Field(ge=0)]
Positive = Annotated[float, BeforeValidator(_number), Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, BeforeValidator(_number), Field(ge=0, allow_inf_nan=False)]
Finite = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]


class Settings(BaseModel):
    """A mapping of a configuration: its keys are known, and it does not change once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)
