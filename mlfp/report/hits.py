"""What a search found, for the eye: one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from mlfp.errors import UsageError
from mlfp.execution.files import write_atomically
from mlfp.leaks.beside import drawn
from mlfp.search.find import Asked, Hit

TEMPLATE = "search.html.jinja"
#: Columns of the scan table that are told.
TOLD = ("subject", "session", "date", "modality", "dataset", "split", "scan")


def write(path: Path, asked: Asked, hits: Sequence[Hit], reason: str) -> Path:
    """Write the page.

    :param reason: why there are no odds, if there are none.
    :raises UsageError: it cannot be written there.
    """
    import jinja2

    images = drawn(asked, hits)
    shown = [{"title": f"asked for: {asked.name}", "image": images[0], "told": _told(asked.row)}]
    for hit, image in zip(hits, images[1:], strict=True):
        chance = [] if hit.p_same is None else [("p_same", f"{hit.p_same:.3g}")]
        told = [("similarity", f"{hit.similarity:.4f}"), *chance, *_told(hit.row)]
        shown.append({"title": f"{hit.rank}", "image": image, "told": told})
    text = resources.files("mlfp.report").joinpath(TEMPLATE).read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    page = environment.from_string(text).render(asked=asked.name, shown=shown, reason=reason)
    try:
        write_atomically(path, page.encode())
    except OSError as error:
        raise UsageError(f"the page cannot be written: {error}", where=str(path)) from None
    return path


def _told(row: dict[str, object]) -> list[tuple[str, str]]:
    return [(name, str(row[name])) for name in TOLD if row.get(name)]
