"""What the fair protocol did, in words and in a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlfp.bench.results import BenchResult
from mlfp.report import cells
from mlfp.report.tables import table


def sentence(result: BenchResult) -> Iterator[str]:
    """How the methods were compared, in a few sentences; nothing without a protocol."""
    told = result.protocol
    if not told.get("search"):
        return
    together = "" if told["by"] == "subject" else f", {told['by']}s kept together"
    yield (
        f"Fair protocol: {told['budget']}, {cells.seconds(told['seconds'])} altogether. Settings were chosen on "
        f"{told['folds']} folds of {_span(told['fold_subjects'])} subjects{together}, none of whom is tested on."
    )
    yield f"A row is the mean of single folds' models over {_times(told['repeats'])}."
    if told["concatenate"]:
        yield f"Rows called concatenated join the {told['folds']} folds' fingerprints of a repeat to one."


#: What the columns of a table of searches are.
HEADER = ("method", "searched", "best", "validation map_at_r", "worst", "trials", "failed")


def body(result: BenchResult) -> list[list[str]]:
    """A row a method that was searched, in the order of :data:`HEADER`; none without a protocol."""
    return [_cells(label, found) for label, found in sorted(result.protocol.get("search", {}).items())]


def lines(result: BenchResult, *, level: int = 2) -> Iterator[str]:
    """A section of Markdown: what was searched, and what was best.

    :param level: of the heading.
    """
    searched = body(result)
    if not searched:
        return
    yield from (f"{'#' * level} What was searched", "")
    yield from table(HEADER, searched, left=(0, 1, 2))


def _cells(label: str, found: Mapping[str, Any]) -> list[str]:
    values = [trial["value"] for trial in found["trials"] if trial["value"] is not None and not trial["failed"]]
    return [
        label,
        "; ".join(f"{_short(name)} {_range(space)}" for name, space in sorted(found["space"].items())) or "nothing",
        "; ".join(f"{_short(name)} {_number(value)}" for name, value in sorted(found["best"].items())),
        f"{found['value']:.3f}",
        f"{min(values):.3f}" if values else cells.MISSING,
        str(len(found["trials"])),
        str(sum(trial["failed"] is not None for trial in found["trials"])),
    ]


def _short(field: str) -> str:
    """``temperature`` of ``objective.0.loss.temperature``."""
    return field.rpartition(".")[2]


def _range(space: Any) -> str:
    if isinstance(space, list):
        return ", ".join(_number(item) for item in space)
    return f"{_number(space['low'])} to {_number(space['high'])}{' (log)' if space['log'] else ''}"


def _number(value: Any) -> str:
    if isinstance(value, Mapping) and "use" in value:
        return " ".join([str(value["use"]), *(str(item) for key, item in value.items() if key != "use")])
    if value is None:
        return "none"
    return f"{value:.3g}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def _span(sizes: list[int]) -> str:
    return str(min(sizes)) if min(sizes) == max(sizes) else f"{min(sizes)} to {max(sizes)}"


def _times(repeats: int) -> str:
    return "one repeat" if repeats == 1 else f"{repeats} repeats"
