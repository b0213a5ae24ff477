"""What lies in a folder of results beside the numbers: read when it is asked for, missing where it was not kept."""

from __future__ import annotations

import base64
import json
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from mlfp.bench import neighbours, pictures
from mlfp.bench.results import BenchResult
from mlfp.fingerprints import store
from mlfp.training import curves
from mlfp.types.fingerprints import Fingerprints


@dataclass(frozen=True)
class Picture:
    """A small picture of a scan.

    :param name: of its element in the page.
    :param uri: a ``data:`` address.
    """

    name: str
    width: int
    height: int
    uri: str


class Kept:
    """A folder of results.

    :param result: what it holds.
    """

    def __init__(self, result: BenchResult) -> None:
        self.result = result
        self.folder = result.folder
        self._neighbours: dict[Path, pd.DataFrame] = {}

    def runs(self, label: str) -> list[Path]:
        """Folders of a method's runs."""
        found = next((row.runs for row in self.result.rows if row.label == label), [])
        return [self.folder / "runs" / name for name in found]

    def fingerprints(self, label: str) -> tuple[Fingerprints, Path] | None:
        """Fingerprints of test scans by a method's first run, and the run's folder; None where there are none."""
        for folder in self.runs(label):
            if (folder / store.FILE).is_file():
                return store.read(folder), folder
        return None

    def curves(self, label: str) -> list[list[dict[str, Any]]]:
        """Of each run what was measured at each step; empty for a method that is not trained."""
        found = [curves.read(folder / curves.FILE) for folder in self.runs(label)]
        return [lines for lines in found if lines]

    def neighbours(self, label: str, evaluation: str) -> pd.DataFrame:
        """What the queries of an evaluation found, in the first run that kept it."""
        for folder in self.runs(label):
            if folder not in self._neighbours:
                self._neighbours[folder] = neighbours.read(folder)
            frame = self._neighbours[folder]
            frame = frame[frame["evaluation"] == self.result.evaluations.get(evaluation)]
            if len(frame):
                return frame
        return pd.DataFrame(columns=list(neighbours.COLUMNS))

    @cached_property
    def subjects(self) -> dict[str, str]:
        """Scan to subject, of the scans whose fingerprints were kept."""
        found = next((kept for row in self.result.rows if (kept := self.fingerprints(row.label))), None)
        return {} if found is None else dict(zip(found[0].table.scans, found[0].table.subjects, strict=True))

    @cached_property
    def kinds(self) -> dict[str, str]:
        """Scan to its modality (or view), of the scans whose fingerprints were kept and where there are several."""
        found = next((kept for row in self.result.rows if (kept := self.fingerprints(row.label))), None)
        if found is None:
            return {}
        table = found[0].table
        for column in ("modality", "view"):
            if column in table.columns:
                kinds = dict(zip(map(str, table.scans), map(str, table.column(column)), strict=True))
                if len(set(kinds.values())) > 1:
                    return kinds
        return {}

    @cached_property
    def pictures(self) -> dict[tuple[str, str], Picture]:
        """Chain and scan to picture."""
        rows = pictures.read_frame(self.folder).to_dict("records")
        return {(str(row["chain"]), str(row["scan"])): _picture(f"p{place}", row) for place, row in enumerate(rows)}

    @cached_property
    def environment(self) -> dict[str, Any]:
        """On what the comparison ran."""
        found: dict[str, Any] = json.loads(self.text("env.json") or "{}")
        return found

    def text(self, name: str) -> str:
        """A file of the folder; empty where there is none."""
        path = self.folder / name
        return path.read_text(encoding="utf-8") if path.is_file() else ""


def _picture(name: str, row: Mapping[Hashable, Any]) -> Picture:
    uri = "data:image/jpeg;base64," + base64.b64encode(row["jpeg"]).decode()
    return Picture(name, int(row["width"]), int(row["height"]), uri)
