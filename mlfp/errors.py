"""Errors that teach: what is wrong, where, and what to do next.

Every error a user can cause is an :class:`MlfpError`. It prints as one sentence followed by indented lines; the
command line adds no traceback (``-v`` does). Nothing here imports anything of mlfp.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Self


class MlfpError(Exception):
    """A failure that is not a bug of mlfp.

    :param what: one sentence with the offending value, without a full stop.
    :param where: file and line, scan, configuration key or plugin.
    :param hints: what was expected, the nearest valid names, what to do next; one line each.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str | None = None, hints: Iterable[str] = ()) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hints = tuple(hints)

    def __str__(self) -> str:
        lines = [self.what, *([self.where] if self.where else []), *self.hints]
        return "\n  ".join(lines)

    def at(self, where: str) -> Self:
        """Say where it happened, unless something nearer already did; returns itself."""
        if self.where is None:
            self.where = where
        return self


class UsageError(MlfpError):
    """The request itself is wrong: an option, a configuration, a table. Exit code 2."""

    exit_code = 2


class ParameterError(UsageError):
    """A value of a configuration is wrong.

    :param key: the path to the value below the thing that was being built, for example ``("distance", "use")``;
        whoever read the configuration turns it into file and line.
    """

    def __init__(
        self, what: str, *, key: tuple[str | int, ...] = (), where: str | None = None, hints: Iterable[str] = ()
    ) -> None:
        super().__init__(what, where=where, hints=hints)
        self.key = key

    def under(self, *key: str | int) -> Self:
        """The same error seen from further up the configuration; returns itself."""
        self.key = (*key, *self.key)
        return self


class UnknownComponentError(ParameterError, LookupError):
    """A name that no loaded plugin registered."""


class AmbiguousComponentError(ParameterError, LookupError):
    """A bare name that several plugins, and not the built-ins, registered."""


class ComponentImportError(MlfpError, ImportError):
    """A registered component whose module cannot be imported: a missing extra, or a broken plugin."""


class PluginError(MlfpError):
    """A plugin broke the rules of registration."""


class ScanError(MlfpError):
    """One scan cannot be used. Whoever processes many scans turns it into a row of a report and goes on."""


class GateError(MlfpError):
    """A gate (``--fail-under``, ``--fail-if-worse``, ``--fail-on``) did not hold. Exit code 4."""

    exit_code = 4


def nearest(name: str, candidates: Iterable[str]) -> list[str]:
    """A hint line naming the candidates that look like ``name``; empty when none does."""
    folded = {candidate.casefold(): candidate for candidate in candidates}
    found = difflib.get_close_matches(name.casefold(), folded, n=3, cutoff=0.6)
    return [f"Did you mean: {', '.join(folded[key] for key in found)}?"] if found else []
