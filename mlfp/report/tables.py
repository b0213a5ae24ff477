"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence


def table(header: Sequence[str], body: Iterable[Sequence[str]], *, left: Sequence[int] = (0,)) -> Iterator[str]:
    """A Markdown table, and the empty line after it.

    :param left: columns set to the left; the others hold numbers, and are set to the right.
    """
    yield _row(header)
    yield _row([":--" if place in left else "--:" for place in range(len(header))])
    yield from (_row(cells) for cells in body)
    yield ""


def _row(values: Sequence[str]) -> str:
    return "| " + " | ".join(value.replace("|", "\\|").replace("\n", " ") for value in values) + " |"
