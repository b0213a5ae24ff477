"""Names of scans and subjects as a report may show them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePath

import numpy as np

#: What stands for a name in running text.
HIDDEN = "…"
#: What may name a file or a person in words that others wrote: a path, a file, whatever stands in quotes.
_TELLING = re.compile(
    r"(?<![\w.])(?:[A-Za-z]:|~|\.{1,2})?[/\\][^\s,;]+|[^\s,;/]+(?:/[^\s,;/]+){2,}"
    r"|[^\s,;]+\.(?:nii|gz|png|jpe?g|csv|tsv|parquet|dcm|mha|mgz|npy|ya?ml|txt)\b|'[^']*'|\"[^\"]*\""
)


class Veil:
    """Shows names as they are, or hides them.

    :param redact: hide them: scans and subjects are numbered, in an order that is drawn anew in every report, so that
        a number tells nothing; pictures are left out.
    """

    def __init__(self, *, redact: bool) -> None:
        self.redact = redact
        self._numbers: dict[tuple[str, str], int] = {}
        self._known: set[str] = set()

    def meet(self, kind: str, names: Iterable[str]) -> None:
        """Number names of a kind (``subject``, ``scan``) in an order of chance."""
        fresh = sorted({str(name) for name in names if (kind, str(name)) not in self._numbers})
        self._known |= set(fresh)
        for place in np.random.default_rng().permutation(len(fresh)):
            self._numbers[kind, fresh[place]] = len(self._numbers) + 1

    def subject(self, name: str) -> str:
        """A subject."""
        return self._shown("subject", name)

    def scan(self, name: str) -> str:
        """A scan; of a path the end, which tells it apart."""
        return self._shown("scan", name) if self.redact else PurePath(name).name

    def text(self, words: str) -> str:
        """Words that may name scans, subjects or files: those, and whatever stands in quotes, are hidden."""
        if not self.redact:
            return words
        words = _TELLING.sub(HIDDEN, words)
        for name in sorted(self._known, key=len, reverse=True):
            words = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", HIDDEN, words)
        return words

    def _shown(self, kind: str, name: str) -> str:
        if not self.redact:
            return name
        if (kind, name) not in self._numbers:
            self.meet(kind, [name])
        return f"{kind} {self._numbers[kind, name]}"
