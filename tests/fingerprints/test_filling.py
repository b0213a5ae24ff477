"""A store is filled scan by scan; nothing finished is lost, done twice, or taken for another's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from mlfp.data.locate import locate
from mlfp.errors import UsageError
from mlfp.fingerprints import embedding, parts, store
from mlfp.fingerprints.filling import embed_file, fill
from mlfp.fingerprints.model import FingerprintModel, describe, untrained
from mlfp.fingerprints.parts import Shard
from mlfp.fingerprints.removal import remove
from mlfp.types.spec import Spec


def test_a_store_has_every_scan_and_what_it_is_made_of(small_store: ModuleType, tmp_path: Path) -> None:
    data = locate(str(small_store.pictures(tmp_path / "d")))
    filled = fill(tmp_path / "s", small_store.model(), data)
    found = store.read(tmp_path / "s")
    assert (filled.embedded, filled.kept, len(found.table)) == (6, 0, 6)
    assert sorted(item.name for item in (tmp_path / "s").iterdir() if not item.name.startswith(".")) == [
        "failures.csv", "fingerprints.parquet", "model.safetensors",
    ]  # fmt: skip
    assert len(set(found.table.column(parts.CONTENT))) == len(set(found.table.column(parts.VOXELS))) == 6
    again = fill(tmp_path / "s", small_store.model(), data)
    assert (again.embedded, again.kept) == (0, 6)


def test_only_what_is_new_or_changed_is_embedded(small_store: ModuleType, tmp_path: Path) -> None:
    manifest = small_store.pictures(tmp_path / "d")
    fill(tmp_path / "s", small_store.model(), locate(str(manifest)))
    before = store.read(tmp_path / "s")
    (tmp_path / "d/images/0_0.png").replace(tmp_path / "d/images/2_1.png")
    (tmp_path / "d/images/0_0.png").write_bytes((tmp_path / "d/images/1_0.png").read_bytes())
    frame = pd.read_csv(manifest).assign(split="train")
    frame.to_csv(manifest, index=False)
    filled = fill(tmp_path / "s", small_store.model(), locate(str(manifest)))
    after = store.read(tmp_path / "s")
    assert (filled.embedded, filled.kept) == (2, 4)
    assert set(after.table.column("split")) == {"train"}, "what is told of a scan is brought up to date"
    scan = {name: place for place, name in enumerate(after.table.scans)}
    changed = (before.vectors != after.vectors).any(axis=1)
    assert set(np.flatnonzero(changed)) == {scan["images/0_0.png"], scan["images/2_1.png"]}
    assert after.table.column(parts.VOXELS)[scan["images/0_0.png"]] == after.table.column(parts.VOXELS)[2]


def test_a_scan_that_cannot_be_used_is_a_row_and_the_others_are_embedded(
    small_store: ModuleType, tmp_path: Path
) -> None:
    manifest = small_store.pictures(tmp_path / "d")
    broken = tmp_path / "d/images/1_1.png"
    whole = broken.read_bytes()
    broken.write_bytes(whole[:60])
    filled = fill(tmp_path / "s", small_store.model(), locate(str(manifest)))
    (failure,) = parts.failures(tmp_path / "s")
    assert failure[:2] == ("images/1_1.png", "s1")
    assert filled.embedded == 5 == len(store.read(tmp_path / "s").table)
    broken.write_bytes(whole)
    assert fill(tmp_path / "s", small_store.model(), locate(str(manifest))).embedded == 1
    assert parts.failures(tmp_path / "s") == []


def test_scans_of_which_none_can_be_used(small_store: ModuleType, tmp_path: Path) -> None:
    manifest = small_store.pictures(tmp_path / "d", subjects=1)
    for path in (tmp_path / "d/images").iterdir():
        path.write_bytes(b"no picture")
    with pytest.raises(UsageError, match="none of 2 scans"):
        fill(tmp_path / "s", small_store.model(), locate(str(manifest)))
    assert len(parts.failures(tmp_path / "s")) == 2


def test_shards_fill_one_store(small_store: ModuleType, tmp_path: Path) -> None:
    data = locate(str(small_store.pictures(tmp_path / "d", subjects=8)))
    fill(tmp_path / "whole", small_store.model(), data)
    counts = [
        fill(tmp_path / "s", small_store.model(), data, shard=Shard.parse(f"{number}/3")).embedded
        for number in (1, 2, 3)
    ]
    assert sum(counts) == 16
    assert max(counts) < 16
    one, whole = store.read(tmp_path / "s"), store.read(tmp_path / "whole")
    order = np.argsort(one.table.scans), np.argsort(whole.table.scans)
    # A convolution's last bits depend on the batch.
    assert np.allclose(one.vectors[order[0]], whole.vectors[order[1]], atol=1e-5)
    with pytest.raises(UsageError, match="I/N"):
        Shard.parse("4/3")


def test_what_was_written_before_a_kill_is_kept(
    small_store: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process is killed in the middle; the next one embeds the rest alone."""
    manifest = small_store.pictures(tmp_path / "d", subjects=6)
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import time\n"
        "from pathlib import Path\n"
        "from small_store import model\n"
        "from mlfp.data.locate import locate\n"
        "from mlfp.fingerprints.filling import fill\n"
        "def slow(what, done, total):\n"
        "    time.sleep(0.5 if what == 'embedding' else 0)\n"
        "fill(Path(sys.argv[3]), model(), locate(sys.argv[2]), batch_size=2, progress=slow)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(Path(__file__).parent), str(manifest), str(tmp_path / "s")]
    )
    written = tmp_path / "s/parts/1-of-1"
    deadline = time.monotonic() + 60
    while len(list(written.glob("*.parquet"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    finished = sum(len(store.read(path).table) for path in written.glob("*.parquet"))
    assert 4 <= finished < 12
    embedded: list[int] = []
    really = embedding.vectors

    def counted(*args: object, **keywords: object) -> np.ndarray:
        found = really(*args, **keywords)  # type: ignore[arg-type]
        embedded.append(len(found))
        return found

    monkeypatch.setattr(embedding, "vectors", counted)
    filled = fill(tmp_path / "s", small_store.model(), locate(str(manifest)))
    assert (filled.kept, filled.embedded, sum(embedded)) == (finished, 12 - finished, 12 - finished)
    assert len(store.read(tmp_path / "s").table) == 12
    assert not written.exists()


def test_a_store_is_of_one_model(small_store: ModuleType, tmp_path: Path) -> None:
    data = locate(str(small_store.pictures(tmp_path / "d", subjects=1)))
    fill(tmp_path / "s", small_store.model(), data)
    other = untrained(
        describe(Spec("compact-2d"), shape=(1, small_store.SIDE, small_store.SIDE), embedding_dim=4), seed=1
    )
    with pytest.raises(UsageError, match="another model"):
        fill(tmp_path / "s", other, data)


def test_other_scans_under_the_same_ids_are_refused(small_store: ModuleType, tmp_path: Path) -> None:
    fill(tmp_path / "s", small_store.model(), locate(str(small_store.pictures(tmp_path / "d"))))
    with pytest.raises(UsageError, match="another scan called"):
        fill(tmp_path / "s", small_store.model(), locate(str(small_store.pictures(tmp_path / "e", seed=1))))


def test_scans_are_removed_and_purged(small_store: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFP_CACHE", str(tmp_path / "cache"))  # other tests have the same pictures
    manifest = small_store.pictures(tmp_path / "d")
    fill(tmp_path / "s", small_store.model(), locate(str(manifest)))
    cached = Path(os.environ["MLFP_CACHE"]) / "scans"
    before = len(list(cached.rglob("*.npy")))
    assert remove(tmp_path / "s", scans=["images/0_0.png"]).scans == ("images/0_0.png",)
    assert len(list(cached.rglob("*.npy"))) == before
    purged = remove(tmp_path / "s", where={"subject": "s1"}, purge=True)
    assert (purged.scans, purged.files) == (("images/1_0.png", "images/1_1.png"), 2)
    assert len(list(cached.rglob("*.npy"))) == before - 2
    assert list(store.read(tmp_path / "s").table.subjects) == ["s0", "s2", "s2"]
    for wrong in ({"scans": ["no"]}, {}, {"where": {"subject": "no"}}):
        with pytest.raises(UsageError):
            remove(tmp_path / "s", **wrong)  # type: ignore[arg-type]


def test_a_file_outside_any_data_set_has_the_fingerprint_it_would_have_in_one(
    small_store: ModuleType, tmp_path: Path
) -> None:
    fill(tmp_path / "s", small_store.model(), locate(str(small_store.pictures(tmp_path / "d"))))
    found = embed_file(FingerprintModel.load(tmp_path / "s/model.safetensors"), tmp_path / "d/images/1_0.png")
    assert np.allclose(found, store.read(tmp_path / "s").vectors[2], atol=1e-4)
