"""Evaluator: how well queries find their subject."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol, runtime_checkable

from mlfp.types.estimate import Estimate
from mlfp.types.trial import Trial

Need = Literal["ranking", "scores", "scans", "vectors", "model"]


class Evaluator(Protocol):
    """Measures a trial.

    ``needs`` says what the method must provide: ``ranking`` and ``scores`` fit every method, ``scans`` (to make others
    of them, ``trial.scans``) every method that is compared on scans and not on stored fingerprints, ``vectors`` only
    those that embed, ``model`` only trained ones. A method that cannot provide it gets no value; the table says why.

    One whose values are timings says so with an attribute ``repeatable`` that is false.
    """

    needs: Need

    def __call__(self, trial: Trial) -> Mapping[str, Estimate]:
        """Metric names (``hit_at_1``, ``map_at_r``, ...) to estimates.

        One that has something to draw, or a word on what it could not measure, gives a
        :class:`~mlfp.types.measured.Measured`, which is a mapping with ``exhibits`` and ``notes``.
        """
        ...


@runtime_checkable
class CheckingEvaluator(Protocol):
    """One that can tell before any training what it will not be able to measure."""

    def check(self, trial: Trial) -> None:
        """Look at the tables of a trial: nothing is there yet to compare its scans by.

        :raises MlfpError: it cannot be measured, and why.
        """
        ...
