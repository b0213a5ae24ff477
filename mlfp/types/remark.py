"""What a data set noticed about its files while listing them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Remark:
    """Something odd about one scan, subject or file; the rest of the data set is as usable as without it.

    :param kind: a few words that are the same for all of a kind: ``missing modality``.
    :param about: the subject, scan or file.
    :param text: what is odd, and what was done about it.
    """

    kind: str
    about: str
    text: str

    def __str__(self) -> str:
        return f"{self.about}: {self.text}"


def by_kind(remarks: Iterable[Remark]) -> dict[str, list[Remark]]:
    """Remarks of each kind, in the order in which the kinds came up."""
    found: dict[str, list[Remark]] = {}
    for remark in remarks:
        found.setdefault(remark.kind, []).append(remark)
    return found


def told(remarks: Iterable[Remark], most: int = 3) -> Iterator[str]:
    """A line for each kind, with the first few by name."""
    for kind, items in by_kind(remarks).items():
        rest = len(items) - most
        more = f"; and {rest} more" if rest > 0 else ""
        yield f"{kind} ({len(items)}): {'; '.join(str(item) for item in items[:most])}{more}"
