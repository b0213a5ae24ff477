from __future__ import annotations

import pytest

from mlfp.wording import counted


@pytest.mark.parametrize(
    ("number", "words", "said"),
    [
        (0, ("scan",), "0 scans"),
        (1, ("scan",), "1 scan"),
        (2, ("scan",), "2 scans"),
        (1, ("query", "queries"), "1 query"),
        (3, ("scan was", "scans were"), "3 scans were"),
    ],
)
def test_one_is_no_plural(number: int, words: tuple[str, ...], said: str) -> None:
    assert counted(number, *words) == said
