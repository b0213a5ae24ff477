"""The contact sheet: registration is looked at, or it is not known."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

from mlfp.data.chain import Chain
from mlfp.data.sheet import sheet_of
from mlfp.execution.files import write_atomically
from mlfp.execution.progress import Progress, silent
from mlfp.preparing.run import SHEET
from mlfp.preparing.settings import Settings
from mlfp.types.scan_table import ScanTable
from mlfp.types.spec import Spec


@dataclass(frozen=True)
class _Listed:
    """A data set of what was prepared."""

    listed: ScanTable

    def table(self) -> ScanTable:
        return self.listed


def draw(table: ScanTable, folder: Path, settings: Settings, *, most: int, progress: Progress = silent) -> Path:
    """Write ``sheet.png``: some of the prepared scans, read from their files; gives its path."""
    steps = []
    if settings.slice != "none" and settings.slices > 1:  # a slab, of which at most three slices are shown
        steps = [Spec("slice", {"axis": settings.slice, "count": min(settings.slices, 3)})]
    drawn = sheet_of(_Listed(table), table, Chain(steps), most=most, progress=progress)
    content = io.BytesIO()
    drawn.save(content, "PNG")
    write_atomically(folder / SHEET, content.getvalue())
    return folder / SHEET
