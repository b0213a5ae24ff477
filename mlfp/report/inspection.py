"""What a data set holds, as one page that needs nothing else: no other file, no network."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlfp.bench.records import write_text
from mlfp.data.chain import Chain
from mlfp.data.inspect import Inspection, inspect, spelled
from mlfp.data.sheet import tiles
from mlfp.errors import UsageError
from mlfp.execution.progress import Progress
from mlfp.plugins import registry
from mlfp.types.remark import by_kind
from mlfp.types.spec import Spec

if TYPE_CHECKING:
    from PIL.Image import Image

#: Values of a kind, and lines of a list, that are shown before the rest is counted.
MOST, MOST_LINES = 12, 100
#: Scans that are drawn.
PICTURES = 24
#: Bars of the times between sessions: up to so many days each.
YEARS = {"< 180 days": 180, "< 1 year": 365, "< 2 years": 730, "< 5 years": 1826, "5 years or more": 10**9}


def look(spec: Spec, *, read: bool, html: Path | None, write: Path | None, progress: Progress) -> Inspection:
    """What :func:`mlfp.api.inspect` does."""
    dataset = registry().build("dataset", spec)
    table = dataset.table()
    found = inspect(table, dataset, read=read, progress=progress)
    if html is None and write is None:
        return found
    from mlfp.bench.suggest import suggest  # what trainings take is a third of a second away

    suggestion = ""
    try:
        suggestion = suggest(found, table, spec, name=_plain(write.stem) if write else "compare")
    except UsageError:
        if write is not None:
            raise
    if write is not None:
        write_text(write, suggestion)
    if html is not None:
        pictures = tiles(dataset, table, Chain([]), most=PICTURES if read else 0, height=64, progress=progress)
        write_text(html, page(found, pictures=pictures, suggestion=suggestion))
    return found


def _plain(name: str) -> str:
    """A name that a configuration and a folder may have."""
    return "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)


def page(
    found: Inspection, *, pictures: Iterable[tuple[str, Image]] = (), suggestion: str = "", title: str = ""
) -> str:
    """The page as HTML.

    :param pictures: a scan's id, and its picture.
    :param suggestion: the suggested configuration, as YAML.
    :param title: in place of the table's source.
    """
    from jinja2 import Environment

    text = resources.files("mlfp.report").joinpath("inspection.html").read_text(encoding="utf-8")
    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(text)
    return template.render(
        found=found,
        title=title or found.source,
        bars=list(_bars(found)),
        remarks=[(kind, [str(item) for item in items]) for kind, items in by_kind(found.remarks).items()],
        failures=[f"{item.scan}: {item.reason}" for item in found.failures],
        duplicates=[
            (", ".join(item.scans), ", ".join(item.subjects), len(item.subjects) > 1) for item in found.duplicates
        ],
        pictures=[(name, _embedded(picture)) for name, picture in pictures],
        suggestion=suggestion,
        most=MOST_LINES,
    )


def _bars(found: Inspection) -> Iterable[tuple[str, list[tuple[str, int, float]]]]:
    """Titles, and of each: label, count and share of the largest."""
    tallies = {"Scans of a subject": found.scans_per_subject, "Sessions of a subject": found.sessions_per_subject}
    for title, tally in tallies.items():
        yield from _bar(title, {str(number): count for number, count in tally.items()})
    yield from _bar("From one session to the next", spans(found.days))
    for column, values in found.values.items():
        yield from _bar(column.capitalize(), values)
    yield from _bar("Voxels", {" x ".join(map(str, shape)): count for shape, count in found.shapes.items()})
    sizes = {spelled(spacing, " x "): count for spacing, count in found.spacings.items()}
    yield from _bar("Size of a voxel in mm", sizes)


def _bar(title: str, counts: Mapping[str, int]) -> Iterable[tuple[str, list[tuple[str, int, float]]]]:
    if not counts:
        return
    largest = max(counts.values())
    shown = [(label or "(empty)", count, 100 * count / max(largest, 1)) for label, count in list(counts.items())[:MOST]]
    rest = list(counts.values())[MOST:]
    if rest:
        shown.append((f"{len(rest)} others", sum(rest), 100 * sum(rest) / max(largest, sum(rest))))
    yield title, shown


def spans(days: Iterable[int]) -> dict[str, int]:
    """How many intervals are how long; none where there are none."""
    given = np.asarray(list(days))
    if not len(given):
        return {}
    edges = [0, *YEARS.values()]
    return dict(zip(YEARS, (int(count) for count in np.histogram(given, edges)[0]), strict=True))


def _embedded(picture: Any) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
