"""Where the trained methods look in a few test scans, with what may be read from it and what may not."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from mlfp.bench import saliency
from mlfp.bench.records import RunFolder
from mlfp.bench.results import BenchResult
from mlfp.report.html.kept import Kept
from mlfp.report.html.veil import Veil

#: Trained methods whose maps are shown, best first.
MOST = 6
#: A share of the map in the head that is higher than an even map's by less than this tells of no preference.
NO_MORE = 0.05


@dataclass(frozen=True)
class Shown:
    """A scan, and below it the scan under the map.

    :param uri: a ``data:`` address.
    """

    uri: str
    width: int
    height: int
    subject: str
    scan: str


@dataclass(frozen=True)
class Look:
    """One method's.

    :param said: the figures in words.
    :param reason: why there is nothing to see.
    """

    label: str
    shown: list[Shown]
    said: str
    reason: str = ""


def looks(result: BenchResult, kept: Kept, veil: Veil) -> list[Look]:
    """Of each trained method; none where pictures are left out."""
    if veil.redact:
        return []
    return [_look(row.label, kept, veil) for row in result.rows if row.kind == "trained"][:MOST]


def _look(label: str, kept: Kept, veil: Veil) -> Look:
    found = next((item for folder in kept.runs(label) if (item := saliency.read(folder)) is not None), None)
    if found is None or found.reason:
        return Look(label, [], "", _missing(label, kept) if found is None else found.reason)
    names = kept.subjects
    shown = [
        Shown(
            f"data:image/jpeg;base64,{item.jpeg}", item.width, item.height,
            veil.subject(names.get(item.scan, "")), veil.scan(item.scan),
        )
        for item in found.overlays
    ]  # fmt: skip
    return Look(label, shown, " ".join(_said(found)))


def _missing(label: str, kept: Kept) -> str:
    for folder in kept.runs(label):
        if RunFolder(folder).model.is_file():
            return f"none was kept when it ran; mlfp explain {folder} SCAN -o DIR draws it."
    return "no checkpoint of a single model is at hand."


def _said(found: saliency.Looks) -> Iterator[str]:
    inside, even, random = (found.mean(name) for name in ("inside", "even", "random"))
    grid = " x ".join(map(str, found.grid))
    how = "every element of the fingerprint by itself" if found.exact else "the mean of the fingerprint's elements"
    yield f"Layer {found.layer}, {grid} places; {how}."
    if not math.isnan(inside):
        told = "" if inside - even >= NO_MORE else ": no more than a map that is the same everywhere"
        yield f"{inside:.0%} of the map lies in the head or body, which is {even:.0%} of the image it sees{told}."
    if not math.isnan(found.alike):
        yield f"Maps of different scans correlate {found.alike:.2f} with one another."
    if not math.isnan(random):
        yield f"With the map of random weights they correlate {random:.2f}."
