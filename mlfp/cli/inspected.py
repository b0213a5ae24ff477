"""What ``mlfp data inspect`` prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from mlfp.data.inspect import spelled
from mlfp.types.remark import by_kind
from mlfp.wording import counted

if TYPE_CHECKING:
    from mlfp.data.inspect import Duplicate, Inspection

#: Values of a kind that are listed before the rest is summed up.
MOST = 6
#: Scans that cannot be read, listed before the rest is counted.
MOST_FAILURES = 20
#: Remarks of a kind that are listed before the rest is counted.
MOST_REMARKS = 8


def lines(found: Inspection) -> Iterator[str]:
    """The inspection, line by line."""
    yield found.source
    yield f"{counted(found.scans, 'scan')} of {counted(found.subjects, 'subject')}"
    yield (
        f"{counted(found.repeated, 'subject has', 'subjects have')} two scans or more: only they can be "
        "asked for, and learned from as pairs"
    )
    yield ""
    yield from _listed("scans", _each(found.scans_per_subject))
    yield from _listed("sessions", _each(found.sessions_per_subject))
    yield from _listed("apart", list(_apart(found.days)))
    for column, values in found.values.items():
        yield from _listed(column, _counted(values))
    yield from _listed(
        "voxels", _counted({" x ".join(map(str, shape)): count for shape, count in found.shapes.items()})
    )
    yield from _listed("mm", _counted({spelled(size, " x "): count for size, count in found.spacings.items()}))
    for kind, items in by_kind(found.remarks).items():
        yield from _named(f"{kind} ({len(items)}):", [str(item) for item in items], MOST_REMARKS)
    yield from _named(
        f"{counted(len(found.duplicates), 'group of scans has', 'groups of scans have')} the same voxels:",
        [_duplicate(item) for item in found.duplicates],
        MOST_REMARKS,
    )
    yield from _named(
        f"{counted(len(found.failures), 'scan')} cannot be read:",
        [f"{item.scan}: {item.reason}" for item in found.failures],
        MOST_FAILURES,
    )


def _named(title: str, items: Sequence[str], most: int) -> Iterator[str]:
    if items:
        yield ""
        yield title
        yield from (f"  {item}" for item in items[:most])
        if len(items) > most:
            yield f"  and {len(items) - most} more; all: --json"


def _duplicate(item: Duplicate) -> str:
    scans = ", ".join(item.scans[:MOST]) + (f" and {len(item.scans) - MOST} more" if len(item.scans) > MOST else "")
    return scans if len(item.subjects) == 1 else f"{scans}: of different subjects, {', '.join(item.subjects[:MOST])}"


def _apart(days: Sequence[int]) -> Iterator[str]:
    if days:
        span = f"{days[0]} to {days[-1]} days" if days[0] < days[-1] else counted(days[0], "day")
        yield f"{span} from one session to the next, median {days[len(days) // 2]}"


def _each(tally: Mapping[int, int]) -> list[str]:
    return [f"{number} of {counted(subjects, 'subject')}" for number, subjects in tally.items()]


def _counted(counts: Mapping[str, int]) -> list[str]:
    return [f"{value or '(empty)'} ({count})" for value, count in counts.items()]


def _listed(title: str, values: Sequence[str]) -> Iterator[str]:
    if values:
        rest = len(values) - MOST
        yield f"{title:11} {', '.join(values[:MOST])}{f', and {rest} other values' if rest > 0 else ''}"
