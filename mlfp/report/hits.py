"""What a search found, for the eye: one HTML file that needs nothing else."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from mlfp.errors import UsageError
from mlfp.execution.files import write_atomically
from mlfp.leaks.beside import Beside, drawn
from mlfp.search.find import Asked

TEMPLATE = "search.html.jinja"
#: Columns of the scan table that are told.
TOLD = ("subject", "session", "date", "modality", "dataset", "split", "scan")


def write(path: Path, asked: Asked, found: Beside) -> Path:
    """Write the page.

    :param found: the hits, and what is known of them.
    :raises UsageError: it cannot be written there.
    """
    import jinja2

    images = drawn(asked, found)
    shown = []
    for hit, image in zip(found.hits, images[1:], strict=True):
        told = [("similarity", f"{hit.similarity:.3f}"), *_told(hit.row)]
        if hit.scan in found.seen:
            told.insert(1, ("gain", f"{round(found.seen[hit.scan].gain, 3) + 0.0:.3f}"))
        shown.append({"rank": hit.rank, "image": image, "chance": hit.chance, "told": told,
                      "laid": hit.scan in found.seen})  # fmt: skip
    text = resources.files("mlfp.report").joinpath(TEMPLATE).read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    page = environment.from_string(text).render(
        asked=asked.name, own=images[0], told=_told(asked.row), shown=shown, reason=found.reason
    )  # fmt: skip
    try:
        write_atomically(path, page.encode())
    except OSError as error:
        raise UsageError(f"the page cannot be written: {error}", where=str(path)) from None
    return path


def _told(row: dict[str, object]) -> list[tuple[str, str]]:
    return [(name, str(row[name])) for name in TOLD if row.get(name)]
