"""What could fool whoever reads the first lines of a report, in a sentence each."""

from __future__ import annotations

from collections.abc import Iterator

from mlfp.bench.results import BenchResult, Row
from mlfp.evaluation.direction import lower_is_better, merit
from mlfp.report import cells, differences, panels
from mlfp.wording import counted

#: Subjects below which a comparison is called small.
FEW = 30


def cautions(result: BenchResult) -> Iterator[str]:
    """What speaks against the first method, what was not looked at, and what the figures do not hold."""
    measured = [row for row in result.rows if result.rank_by in row.metrics]
    if not measured:
        return
    yield from _shortcuts(result, measured[0])
    yield from _outline(result, measured)
    yield from _sessions(result)
    yield from _smallness(result)
    if any(row.kind == "trained" and row.seeds == 1 for row in measured):
        yield "Each method was trained once: another training could come out otherwise."
    if result.failures:
        labels = list(dict.fromkeys(failure.label for failure in result.failures))
        yield f"Runs of {', '.join(labels)} failed, and are in no figure."


def _shortcuts(result: BenchResult, first: Row) -> Iterator[str]:
    found = panels.glances(result)
    if not found:
        yield "Nobody looked whether scanner, outline or header tell subjects apart: `shortcuts` in `evaluate` does."
        return
    raised = [item.name for glance in found for method, items in glance.alarms() if method == first.label
              for item in items]  # fmt: skip
    looked = any(first.label in glance.methods for glance in found)
    if raised:
        yield f"▲ {first.label} may take a shortcut: {', '.join(raised)}."
    elif looked:
        yield f"Of the shortcuts that were looked at, none is shown in {first.label}."


def _outline(result: BenchResult, measured: list[Row]) -> Iterator[str]:
    """What the shape of the mask alone reaches, against the first and against what is left to reach."""
    outline = next((row for row in measured[1:] if row.kind == "scorer" and row.label == "outline"), None)
    if outline is None or lower_is_better(result.rank_by):
        return
    item = differences.between(result, result.rank_by, measured[0].label, outline.label)
    value = cells.value(outline.metrics[result.rank_by])
    shown = "" if item is None or item.verdict != "none" else f", and {measured[0].label} is not shown to be better"
    yield f"The outline alone, without anything inside it, reaches {value}{shown}."


def _sessions(result: BenchResult) -> Iterator[str]:
    test = result.data.get("test", {})
    known, single = test.get("with_sessions", 0), test.get("of_one_session", 0)
    if known and single == known:
        yield (
            "All scans of a subject are of one session: nothing here tells whether somebody is known again another day."
        )
    elif known and single > known / 2:
        have = "has" if single == 1 else "have"
        yield f"Of {counted(known, 'subject')} with several scans, {single} {have} them of one session only."


def _smallness(result: BenchResult) -> Iterator[str]:
    subjects = result.data.get("test", {}).get("subjects", FEW)
    few = [item for item in differences.by_metric(result, result.rank_by) if item.too_few and item.verdict == "none"]
    if few:
        yield f"Of {counted(subjects, 'subject')} too few differ between some methods for any test to show one."
    elif subjects < FEW:
        yield f"{counted(subjects, 'subject is', 'subjects are')} few: only large differences show."


def lead(result: BenchResult, first: Row, other: Row) -> str:
    """By how much a method is ahead of another, and whether a test shows it; nothing where there is no test."""
    item = differences.between(result, result.rank_by, first.label, other.label)
    if item is None:
        return ""
    turn = -1 if merit(result.rank_by, 1) < merit(result.rank_by, 0) else 1
    low, high = sorted((turn * item.low, turn * item.high))
    return f"{turn * item.difference:.3f} ({low:.3f} to {high:.3f})".replace("-", "\N{MINUS SIGN}")
