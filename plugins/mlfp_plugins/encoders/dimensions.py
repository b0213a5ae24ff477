"""What an encoder says when it is asked for a number of dimensions that it has not."""

from __future__ import annotations

from mlfp.errors import ParameterError
from mlfp.plugins import registry


def require_dims(encoder: str, own: int, asked: int) -> None:
    """Refuse any number of spatial dimensions but the encoder's own.

    :raises ParameterError: names the encoders that have as many as asked.
    """
    if asked != own:
        fitting = [item.name for item in registry().components("encoder") if asked in item.dims]
        raise ParameterError(
            f"encoder {encoder} works in {own}D, and the scans are {asked}D",
            key=("use",),
            hints=[f"For {asked}D: {', '.join(fitting) or 'none is installed'}"],
        )
