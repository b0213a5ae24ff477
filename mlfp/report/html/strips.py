"""Queries and what they found, the worst errors first."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from mlfp.bench import neighbours, pictures
from mlfp.report.html.kept import Kept, Picture
from mlfp.report.html.veil import Veil


@dataclass(frozen=True)
class Shown:
    """One scan of a strip.

    :param right: whether it shows the query's subject; None for the query itself.
    :param kind: its modality, where there are several.
    """

    scan: str
    subject: str
    picture: Picture | None
    right: bool | None = None
    score: float | None = None
    kind: str = ""


@dataclass(frozen=True)
class Strip:
    """A query and its nearest scans.

    :param place: at which the nearest scan of its subject came, from 1.
    :param of: among how many.
    :param missed: the scan that it should have found, where it is not among those found.
    """

    query: Shown
    found: list[Shown]
    missed: Shown | None
    place: int
    of: int

    @property
    def verdict(self) -> str:
        """What went wrong, in words."""
        if self.place == 1:
            return "right at once"
        return f"its subject came {ordinal(self.place)} of {self.of}"


def strips(kept: Kept, veil: Veil, label: str, evaluation: str) -> list[Strip]:
    """A method's worst queries, or none where they were not kept."""
    frame = kept.neighbours(label, evaluation)
    return [_strip(part, kept, veil) for part in neighbours.worst_first(frame, pictures.STRIPS)] if len(frame) else []


def errors(kept: Kept, label: str, evaluation: str) -> tuple[int, int]:
    """How many queries had a wrong scan nearest, and how many were looked at."""
    frame = kept.neighbours(label, evaluation)
    first = frame[frame["rank"] == 1]
    return int((~first["right"].astype(bool)).sum()), len(first)


def _strip(part: pd.DataFrame, kept: Kept, veil: Veil) -> Strip:
    first = part.iloc[0]

    def shown(chain: str, scan: str, subject: str, right: bool | None, score: float | None) -> Shown:
        picture = None if veil.redact else kept.pictures.get((chain, scan))
        kind = "" if veil.redact else kept.kinds.get(scan, "")
        return Shown(veil.scan(scan), veil.subject(subject), picture, right, score, kind)

    query = shown(first["query_chain"], first["query"], first["subject"], None, None)
    found = [
        shown(row["gallery_chain"], row["scan"], row["found_subject"], bool(row["right"]), float(row["score"]))
        for _, row in part.iterrows()
    ]
    missed = None
    if not part["right"].any():
        missed = shown(first["gallery_chain"], first["mate"], first["subject"], True, None)
    return Strip(query, found, missed, int(first["place"]), int(first["of"]))


def ordinal(number: int) -> str:
    """``1st``, ``2nd``, ``11th``."""
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
