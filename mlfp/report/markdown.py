"""``report.md``: every number of a comparison, to read, to paste, and to keep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlfp.bench.results import BenchResult, Row
from mlfp.report import cautions, cells, differences, panels, printed, protocol
from mlfp.report.tables import table as table


def render(result: BenchResult) -> str:
    """The report as Markdown."""
    return "\n".join(_lines(result)).rstrip() + "\n"


def _lines(result: BenchResult) -> Iterator[str]:
    yield f"# {result.name}"
    yield ""
    if result.description:
        yield from (result.description.strip(), "")
    yield " ".join([*cells.subject(result), *protocol.sentence(result)])
    yield ""
    if result.rows:
        yield from ranked(result)
        mind = list(cautions.cautions(result))
        if mind:
            yield from ("What could fool you:", "", *(f"- {line}" for line in mind), "")
        yield from pairs(result)
        yield from differences.lines(result)
        yield from panels.lines(result)
        yield from protocol.lines(result)
    if result.expected:
        yield f"## {printed.title(result)}"
        yield ""
        yield from table(printed.HEADER, printed.body(result), left=(0, 1))
    if result.failures:
        yield "## Failed"
        yield ""
        yield from (f"- {line}" for line in cells.failures(result))
        yield ""
    if result.papers:
        yield "## Please cite"
        yield ""
        yield from (f"- {paper}" for paper in result.papers)


def ranked(result: BenchResult) -> Iterator[str]:
    """The ranked table, a column a metric, best in bold; and below it what could not be measured."""
    names = cells.metrics(result) or [result.rank_by]
    header = ["method", *(_breakable(name) for name in names), "time", "parameters"]
    body = [
        [
            row.label,
            *_metrics(row, names, result.rows),
            cells.seconds(row.seconds),
            cells.parameters(row.parameters),
        ]
        for row in result.rows
    ]
    yield from table(header, body)
    notes = cells.notes(result)
    if notes:
        yield from ("Not measured:", "", *(f"- {line}" for line in notes), "")


def pairs(result: BenchResult, *, level: int = 2) -> Iterator[str]:
    """The ranked metric for each pair of query and gallery, where an evaluation goes across a column.

    :param level: of the heading.
    """
    names = [name for name in cells.metrics(result, pairs=True) if name.startswith(f"{result.rank_by}[")]
    if names:
        yield f"{'#' * level} {result.rank_by}, query > gallery"
        yield ""
        header = ["method", *(name.partition("[")[2].rstrip("]") for name in names)]
        yield from table(header, [[row.label, *_metrics(row, names, result.rows)] for row in result.rows])


def _metrics(row: Row, names: Sequence[str], rows: Sequence[Row]) -> Iterator[str]:
    for name in names:
        estimate = row.metrics.get(name)
        number = cells.value(estimate)
        if estimate is not None and estimate.value == cells.best(rows, name):
            number = f"**{number}**"
        between = cells.interval(estimate)
        yield " ".join(part for part in (number, cells.spread(row, name), between and f"({between})") if part)


def _breakable(name: str) -> str:
    return " ".join(name.split(".", 1))
