"""The ranked table on a terminal: as many columns as fit, the telling ones first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from mlfp.bench.results import BenchResult, Row
from mlfp.report import cells, differences, panels, printed, protocol

#: Blank columns between two columns of the table.
GAP = 2
#: Cells that the methods' names get at least, and the share of the table that they may take before they are folded.
LABEL, LABEL_SHARE = 24, 1 / 3


@dataclass(frozen=True)
class Column:
    """One column of the table.

    :param title: one or two lines.
    :param values: a text a row.
    :param styles: how each is shown.
    """

    title: str
    values: list[str]
    styles: list[str]

    @property
    def width(self) -> int:
        """Cells that the widest line needs."""
        return max(cell_len(line) for line in (*self.title.split("\n"), *self.values))


def render(result: BenchResult, *, width: int) -> RenderableType:
    """The table, with what was compared below it.

    :param width: of the terminal, in characters: columns that do not fit are left to report.md.
    """
    parts: list[RenderableType] = [Text(result.name, style="bold")]
    if result.description:
        parts.append(Text(result.description.strip() + "\n"))
    dropped = 0
    if result.rows:
        columns = _columns(result)
        room = max(LABEL, min(int(width * LABEL_SHARE), max(cell_len(row.label) for row in result.rows)))
        kept = _fitting(columns, width - room)
        dropped = len(columns) - len(kept)
        parts.append(_table(result, kept, room))
    if result.expected:
        parts += [Text(f"\n{printed.title(result)}", style="bold"), printed.on_terminal(result)]
    parts += [Text(line) for line in _below(result)]
    if dropped:
        parts.append(Text(_more(result), style="dim"))
    return Group(*parts)


def _more(result: BenchResult) -> str:
    if (result.folder / "report.html").is_file():
        return "More columns, every interval, and pictures: report.html in the folder of the results."
    return (
        "More columns and every interval: results.jsonl in the folder of the results. A report shows all methods, "
        "so none is written with --only."
    )


def print_result(result: BenchResult, console: Console) -> None:
    """Print it, as wide as the console is."""
    console.print(render(result, width=console.width))


def _columns(result: BenchResult) -> list[Column]:
    """All columns after the method's name, the most telling first."""
    rows, ranked, *others = result.rows, *(cells.metrics(result) or [result.rank_by])
    plain = [""] * len(rows)
    columns = [
        _metric(rows, ranked),
        Column("95 %\ninterval", [cells.interval(row.metrics.get(ranked)) for row in rows], plain),
    ]
    if cells.several_seeds(result):
        columns.append(Column("over\nseeds", [cells.spread(row, ranked) for row in rows], plain))
    if (
        cells_of := [differences.short(result, ranked, row.label, row.group) for row in rows]
        if result.comparisons
        else []
    ):
        whom = "best" if differences.baseline(result, ranked) != result.significance.get("baseline") else "baseline"
        columns.append(Column(f"to the\n{whom}", cells_of, plain))
    costs = [
        Column("time", [cells.seconds(row.seconds) for row in rows], plain),
        Column("size", [cells.parameters(row.parameters) for row in rows], plain),
    ]
    return [*columns, *costs, *(_metric(rows, name) for name in others)]


def _metric(rows: list[Row], name: str) -> Column:
    top = cells.best(rows, name)
    found = [row.metrics.get(name) for row in rows]
    styles = ["bold" if item is not None and item.value == top else "" for item in found]
    return Column("\n".join(name.split(".", 1)), [cells.value(item) for item in found], styles)


def _fitting(columns: Iterable[Column], left: int) -> list[Column]:
    """The columns that fit into as many cells as are left, wide ones passed over; the first is always kept."""
    kept: list[Column] = []
    for column in columns:
        if GAP + column.width <= left or not kept:
            kept.append(column)
            left -= GAP + column.width
    return kept


def _table(result: BenchResult, columns: list[Column], room: int) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold", collapse_padding=True)
    table.add_column("\nmethod", overflow="fold", min_width=min(room, LABEL))
    for column in columns:
        title = column.title if "\n" in column.title else f"\n{column.title}"
        table.add_column(title, justify="right", no_wrap=True)
    for place, row in enumerate(result.rows):
        values = [Text(column.values[place], style=column.styles[place]) for column in columns]
        table.add_row(Text(row.label), *values)
    return table


def _below(result: BenchResult) -> Iterator[str]:
    yield ""
    yield " ".join([*cells.subject(result), *protocol.sentence(result)])
    yield from ([] if not result.comparisons else [" ".join(differences.summary(result))])
    yield from panels.brief(result)
    yield from (f"Not measured: {line}" for line in cells.notes(result))
    yield from (f"Failed: {line}" for line in cells.failures(result))
    if result.failures:
        yield f"Tracebacks: {result.folder / 'failures'}"
    if result.papers:
        yield "Please cite:"
        yield from (f"  {paper}" for paper in result.papers)
    yield f"Results: {result.folder}"
