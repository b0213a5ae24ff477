"""How numbers are said."""

from __future__ import annotations


def counted(number: int, one: str, several: str = "") -> str:
    """``1 scan``, ``2 scans``; with a verb, ``counted(n, "scan was", "scans were")``.

    :param one: what follows the number 1.
    :param several: what follows any other; ``one`` with an s unless given.
    """
    return f"{number} {one if number == 1 else several or f'{one}s'}"
