"""What an evaluator gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mlfp.types.estimate import Estimate
from mlfp.types.exhibit import Exhibit


class Measured(dict[str, Estimate]):
    """Metric names to estimates, with what else there is to show. A plain ``dict`` of estimates does as well.

    :param estimates: metric names to estimates.
    :param exhibits: names (``cmc``, ``det``, ...) to what a report draws.
    :param notes: what was asked for and could not be measured, a sentence each.
    """

    def __init__(
        self,
        estimates: Mapping[str, Estimate] | None = None,
        *,
        exhibits: Mapping[str, Exhibit] | None = None,
        notes: Iterable[str] = (),
    ) -> None:
        super().__init__(estimates or {})
        self.exhibits = dict(exhibits or {})
        self.notes = tuple(notes)

    @classmethod
    def of(cls, found: Mapping[str, Estimate]) -> Measured:
        """The same, whether the evaluator had something to show or not."""
        return found if isinstance(found, Measured) else cls(found)
