"""The contact sheet: registration is looked at, or it is not known."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlfp.data import readers
from mlfp.data.chain import Chain
from mlfp.data.sheet import sheet_of
from mlfp.execution.files import write_atomically
from mlfp.execution.progress import Progress, silent
from mlfp.preparing.run import FIT, SHEET
from mlfp.preparing.settings import Settings
from mlfp.preparing.template import template
from mlfp.types.scan_table import ScanTable
from mlfp.types.spec import Spec
from mlfp.types.volume import Volume

#: So many scans that fit the template worst are drawn before the others.
WORST = 3
_TEMPLATE = "template"


@dataclass(frozen=True)
class _Listed:
    """A data set of what was prepared, and the template."""

    listed: ScanTable
    settings: Settings

    def table(self) -> ScanTable:
        return self.listed

    def read(self, row: Mapping[str, Any]) -> Volume:
        if row["scan"] == _TEMPLATE and not row["path"]:
            return template(self.settings.template).grid(self.settings.spacing)
        return readers.read(Path(row["path"]), scan=str(row["scan"]))

    def key(self, row: Mapping[str, Any]) -> str:
        return str(row["path"])


def worst(table: ScanTable) -> list[int]:
    """Positions of the scans that fit the template worst, by how far they lie below the median of their modality.

    What fits depends on contrast; scans that were not registered are left out.
    """
    fit = pd.to_numeric(table.frame[FIT], errors="coerce")
    kinds = table.frame.get("modality", pd.Series("", index=fit.index))
    below = (fit - fit.groupby(kinds).transform("median")).dropna().sort_values(kind="stable")
    return [int(place) for place in below.index[:WORST]]


def draw(table: ScanTable, folder: Path, settings: Settings, *, most: int, progress: Progress = silent) -> Path:
    """Write ``sheet.png``, read from the prepared files: the template, the worst fits, and others; gives its path.

    :param most: scans to draw.
    """
    first = worst(table)[:most]
    others = np.setdiff1d(np.arange(len(table)), first)
    left = min(most - len(first), len(others))
    spread = others[np.linspace(0, len(others) - 1, left).round().astype(int)] if left else []
    frame = table.frame.iloc[[*first, *spread]]
    steps = []
    if settings.slice != "none" and settings.slices > 1:  # a slab, of which at most three slices are shown
        steps = [Spec("slice", {"axis": settings.slice, "count": min(settings.slices, 3)})]
    if settings.register != "none" and settings.slice == "none":
        shown = pd.DataFrame([{"scan": _TEMPLATE, "subject": f"{_TEMPLATE} {settings.template}", "path": ""}])
        frame = pd.concat([shown, frame], ignore_index=True).fillna("")
    listed = ScanTable(frame, source=table.source)
    drawn = sheet_of(_Listed(listed, settings), listed, Chain(steps), most=len(listed), progress=progress)
    content = io.BytesIO()
    drawn.save(content, "PNG")
    write_atomically(folder / SHEET, content.getvalue())
    return folder / SHEET
