"""What a paper printed beside what came out here: one table, on a terminal and in Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from mlfp.bench.expected import Beside
from mlfp.bench.results import BenchResult
from mlfp.report import cells

#: The last: whether the printed number lies within our interval.
HEADER = ("method", "metric", "printed", "here", "95 % interval", "difference", "within")


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
    """The table for a terminal, metric by metric: it fits into 80 columns."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for place, name in enumerate(name for name in HEADER if name != "metric"):
        table.add_column(name.replace("95 % ", ""), justify="right" if place else "left", no_wrap=place > 0)
    rows = list(body(result))
    for metric in dict.fromkeys(row[1] for row in rows):
        table.add_row(Text(metric, style="italic"))
        for row in rows:
            if row[1] == metric:
                table.add_row(f"  {row[0]}", *row[2:])
    return table
