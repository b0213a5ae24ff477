from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mlfp
from mlfp.bench import saliency
from mlfp.bench.records import RunFolder


def config(pictures: Path, runs: int = 1) -> dict[str, object]:
    losses = {f"margin {place}": [{"loss": {"use": "triplet", "margin": 0.1 + place}}] for place in range(runs)}
    return {
        "name": "looks",
        "data": {"use": "manifest", "path": str(pictures)},
        "preprocess": ["zscore"],
        "split": {"val": 0.0, "test": 0.4},
        "base": {
            "encoder": {"use": "compact-2d", "embedding_dim": 8},
            "batch": {"subjects": 4, "scans": 2},
            "train": {"steps": 2},
        },
        "runs": {name: {"objective": objective} for name, objective in losses.items()},
        "compare_with": ["untrained"],
        "evaluate": ["retrieval"],
    }


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, pictures: Path) -> Path:
    folder = tmp_path_factory.mktemp("looks")
    patch = pytest.MonkeyPatch()
    patch.setenv("MLFP_CACHE", str(folder / "cache"))
    try:
        mlfp.bench(config(pictures), out=folder / "results")
    finally:
        patch.undo()
    return folder / "results"


def _folders(results: Path) -> dict[str, RunFolder]:
    found = [RunFolder(path) for path in (results / "runs").iterdir()]
    return {record.kind: folder for folder in found if (record := folder.record()) is not None}


def test_a_trained_method_is_looked_at_and_random_weights_only_to_compare(done: Path) -> None:
    folders = _folders(done)
    found = saliency.read(folders["trained"].path)
    assert found is not None
    assert found.exact
    assert not found.reason
    assert len(found.grid) == 2
    assert len(found.overlays) == saliency.SCANS
    assert saliency.read(folders["untrained"].path) is None
    for item in found.overlays:
        assert 0 <= item.inside <= 1
        assert 0 < item.even < 1
        assert -1 <= item.random <= 1
        picture = Image.open(io.BytesIO(base64.b64decode(item.jpeg)))
        assert picture.size == (item.width, item.height)
        # The lower half is the upper one with colour laid over it.
        pixels = np.asarray(picture.convert("RGB"), dtype=float)
        colour = np.ptp(pixels, axis=2)
        middle = len(pixels) // 2
        assert colour[: middle - 6].mean() < 8 < colour[middle + 6 :].mean()


def test_scans_are_of_different_subjects_of_the_test_side(done: Path) -> None:
    record = json.loads((done / "results.jsonl").read_text().splitlines()[0])
    assert record["data"]["test"]["subjects"] == 10
    found = saliency.read(_folders(done)["trained"].path)
    assert found is not None
    assert len({item.scan.rpartition("_")[0] for item in found.overlays}) == saliency.SCANS


def test_what_is_kept_stays_as_it_is(done: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFP_CACHE", str(done.parent / "cache"))
    path = _folders(done)["trained"].path / saliency.FILE
    before = path.stat().st_mtime_ns, path.read_text()
    mlfp.bench(config(pictures, runs=2), out=done)
    assert (path.stat().st_mtime_ns, path.read_text()) == before
    assert len(list(done.glob(f"runs/*/{saliency.FILE}"))) == 2


def test_of_another_version_nothing_is_read(tmp_path: Path) -> None:
    (tmp_path / saliency.FILE).write_text('{"version": 0, "overlays": []}')
    assert saliency.read(tmp_path) is None
    assert saliency.read(tmp_path / "nowhere") is None


def test_why_there_is_no_map_is_kept_in_words() -> None:
    found = saliency._looks("the model has no convolution to explain", None, [])
    assert found.reason == "the model has no convolution to explain"
    assert np.isnan(found.mean("inside"))
