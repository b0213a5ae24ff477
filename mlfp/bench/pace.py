"""How many trainings of a budget are done, and how long the rest will take."""

from __future__ import annotations

from collections.abc import Callable

from mlfp.bench.records import Record


class Pace:
    """Counts trainings, those found done included.

    :param total: trainings of the budget.
    :param announce: told a line for each that ends.
    :param progress: told how many are done.
    """

    def __init__(self, total: int, announce: Callable[[str], None], progress: Callable[[str, int, int], None]) -> None:
        self.total = total
        self.done = 0
        self.seconds = 0.0
        self._announce = announce
        self._progress = progress

    def passed(self, record: Record, line: str, *, fresh: bool = True) -> None:
        """A training ended or, if it is not fresh, was found done, of which nothing is told.

        :param line: what it came to.
        """
        self.done += 1
        self.seconds += sum(record.seconds.values())
        if fresh:
            self._announce(f"{self.done}/{self.total} {line}{self.left()}")
        self._progress("trainings", self.done, self.total)

    def spare(self, count: int) -> None:
        """So many trainings of the budget are not needed."""
        self.total -= count

    def left(self) -> str:
        """`` · about 12 min left``, from what the trainings so far took; nothing at the end."""
        if self.done in (0, self.total):
            return ""
        seconds = self.seconds / self.done * (self.total - self.done)
        amount = f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
        return f" · about {amount if seconds < 5400 else f'{seconds / 3600:.1f} h'} left"
