"""The comparison that runs when nobody wrote one."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from mlfp.bench.source import Source
from mlfp.bench.split import SplitSettings
from mlfp.data.locate import locate
from mlfp.data.probe import first_readable
from mlfp.data.samplers import drawable
from mlfp.plugins import registry
from mlfp.types.scan_table import ScanTable


def quick(data: Path | str | None) -> Source:
    """The quick comparison: on the phantom, or on the data given, by whether they are pictures or volumes.

    :raises MlfpError: the data cannot be read.
    """
    if data is None:
        return _source("phantom.yaml")
    dataset = registry().build("dataset", locate(str(data)))
    table = dataset.table()
    volume = first_readable(dataset, table)
    source = _source("volumes.yaml" if volume.spatial_dims == 3 else "pictures.yaml")
    _fit_batch(source, table)
    return source


def _source(name: str) -> Source:
    text = resources.files("mlfp.bench.quick").joinpath(name).read_text(encoding="utf-8")
    source = Source.of_text(text, f"quick/{name}")
    source.argument = ""
    return source


def _fit_batch(source: Source, table: ScanTable) -> None:
    """No more subjects in a batch than there are to train on."""
    rows = SplitSettings.parse(source.data["split"]).apply(table).train
    batch = source.data["base"]["batch"]
    there = len(drawable(table.select(rows), scans=batch["scans"], allow_repeats=False, pair=None))
    batch["subjects"] = max(2, min(batch["subjects"], there))
