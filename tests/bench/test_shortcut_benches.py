"""The comparisons that unmask a cheat, made small: fewer subjects, larger voxels, and the cheats alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlfp.bench import engine
from mlfp.types.exhibit import Panel, Reading

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SMALL = {
    "data.subjects": "36",
    "data.spacing": "5",
    "split": "{val: 0, test: 0.9}",
    "evaluate": "[retrieval, shortcuts]",
}


def unmasked(name: str, label: str, folder: Path) -> dict[str, Reading]:
    result = engine.bench(BENCHMARKS / f"{name}.yaml", out=folder / name, overrides=SMALL, only=label)
    assert not result.failures
    (row,) = result.rows
    panel = row.exhibits["shortcuts.panel"]
    assert isinstance(panel, Panel)
    assert row.metrics["shortcuts.alarms"].value == sum(reading.alarm for reading in panel.readings)
    return {reading.name: reading for reading in panel.readings}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shortcuts")


def test_who_tells_the_scanner_is_unmasked(folder: Path) -> None:
    cheat = unmasked("shortcuts-site", "site label", folder)
    honest = unmasked("shortcuts-site", "correlation", folder)
    for name in ("nearest stranger is of the same site", "hit_at_1 among scans of the same site"):
        assert cheat[name].alarm, name
    # Pixels are like those of the same scanner, and still tell subjects apart within it.
    assert not honest["hit_at_1 among scans of the same site"].alarm


def test_who_tells_the_outline_is_unmasked(folder: Path) -> None:
    cheat = unmasked("shortcuts-outline", "outline", folder)
    for name in (
        "hit_at_1 from outlines alone",
        "hit_at_1 after the query's outline was cut",
        "hit_at_1 of the outline alone",
    ):
        assert cheat[name].alarm, name
