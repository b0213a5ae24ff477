"""The comparison that runs when nobody wrote one."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from mlfp.bench.source import Source
from mlfp.data.locate import locate
from mlfp.data.probe import first_readable
from mlfp.plugins import registry


def quick(data: Path | str | None) -> Source:
    """The quick comparison: on the phantom, or on the data given, by whether they are pictures or volumes.

    :raises MlfpError: the data cannot be read.
    """
    name = "phantom.yaml"
    if data is not None:
        dataset = registry().build("dataset", locate(str(data)))
        volume = first_readable(dataset, dataset.table())
        name = "volumes.yaml" if volume.spatial_dims == 3 else "pictures.yaml"
    text = resources.files("mlfp.bench.quick").joinpath(name).read_text(encoding="utf-8")
    return Source.of_text(text, f"quick/{name}")
