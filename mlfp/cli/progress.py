"""Where work stands, on stderr: a bar for people who watch, a line now and then for a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

import click

from mlfp.cli.app import Manner
from mlfp.execution.progress import silent

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

#: Seconds between two lines of a log.
EVERY = 15.0


class Teller(Protocol):
    """What a command tells its user while it works."""

    def progress(self, what: str, done: int, total: int) -> None:
        """See :class:`mlfp.execution.progress.Progress`."""
        ...

    def announce(self, line: str) -> None:
        """Something ended, or went wrong."""
        ...


@contextmanager
def telling(manner: Manner) -> Iterator[Teller]:
    """Tell of progress on stderr, as fits what stderr is."""
    if manner.quiet:
        yield Quiet()
    elif sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
            yield Watched(bars)
    else:
        yield Logged()


class Quiet:
    """Says nothing."""

    progress = staticmethod(silent)

    def announce(self, line: str) -> None:
        """Keep it to ourselves."""


class Logged:
    """Writes lines for a file: every announcement, and where work stands every :data:`EVERY` seconds."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def progress(self, what: str, done: int, total: int) -> None:
        """Write a line if the last one was a while ago."""
        if time.monotonic() - self._last >= EVERY:
            self.announce(f"{what} {done}/{total}")

    def announce(self, line: str) -> None:
        """Write the line."""
        self._last = time.monotonic()
        click.echo(line, err=True)


class Watched:
    """Draws a bar for each kind of work under way."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def progress(self, what: str, done: int, total: int) -> None:
        """Move the bar; a full one goes."""
        if done >= total:
            if what in self._tasks:
                self._bars.remove_task(self._tasks.pop(what))
            return
        if what not in self._tasks:
            self._tasks[what] = self._bars.add_task(what, total=total)
        self._bars.update(self._tasks[what], completed=done, total=total)

    def announce(self, line: str) -> None:
        """Print a line above the bars."""
        self._bars.console.print(line, markup=False, highlight=False)
