"""What a paper printed beside what came out here: one table, on a terminal and in Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table

from mlfp.bench.expected import Beside
from mlfp.bench.results import BenchResult
from mlfp.report import cells

HEADER = ("method", "metric", "printed", "here", "95 % interval", "difference", "printed within")


def title(result: BenchResult) -> str:
    """``Printed in Table 2 ..., and here``."""
    sources = list(dict.fromkeys(item.printed.source for item in result.beside if item.printed.source))
    return f"Printed{' in ' if sources else ''}{', '.join(sources)}, and here"


def body(result: BenchResult) -> Iterator[list[str]]:
    """A row a printed number, in the order of :data:`HEADER`."""
    for item in result.beside:
        yield [
            item.printed.label,
            item.printed.metric,
            f"{item.printed.value:.3f}",
            cells.value(item.here),
            cells.interval(item.here),
            _difference(item),
            {True: "yes", False: "no", None: ""}[item.within],
        ]


def _difference(item: Beside) -> str:
    # Of a metric that could not be measured there is none, nor where it is not a number.
    found = item.difference
    return "" if found is None or found != found else f"{found:+.3f}"


def on_terminal(result: BenchResult) -> Table:
    """The table for a terminal."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", title_justify="left")
    for place, name in enumerate(HEADER):
        table.add_column(name, justify="left" if place < 2 else "right", no_wrap=place > 1, overflow="fold")
    for row in body(result):
        table.add_row(*row)
    return table
