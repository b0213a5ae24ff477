"""``mlfp embed``, ``search`` and ``store``, one after the other, on pictures."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner, Result

from mlfp.cli import app
from mlfp.data.pairs_memo import PairsMemo, key
from mlfp.fingerprints.parts import CONTENT
from mlfp.fingerprints.store import read


def run(*args: object) -> Result:
    """What ``mlfp`` does with these arguments."""
    return CliRunner().invoke(app.application, [str(arg) for arg in args])


@pytest.fixture
def store(small_store: ModuleType, tmp_path: Path) -> Path:
    """A store of 3 subjects with 2 pictures each, made by the command."""
    small_store.model().save(tmp_path / "model" / "model.safetensors")
    manifest = small_store.pictures(tmp_path / "d")
    made = run("embed", manifest, "-o", tmp_path / "s", "--model", tmp_path / "model")
    assert made.exit_code == 0, made.stderr
    assert "6 fingerprints of 8 numbers" in made.stdout
    assert "6 of them new" in made.stdout
    return tmp_path / "s"


def test_a_scan_finds_its_like(store: Path, tmp_path: Path) -> None:
    found = json.loads(run("search", store, "images/1_0.png", "-k", 2, "--json").stdout)
    assert [hit["rank"] for hit in found] == [1, 2]
    assert found[0]["subject"] == "s1", "the other picture of the same subject"
    others = json.loads(run("search", store, "images/1_0.png", "--not-same", "--json").stdout)
    assert {hit["subject"] for hit in others} == {"s0", "s2"}
    outside = tmp_path / "outside.png"
    outside.write_bytes((tmp_path / "d/images/1_0.png").read_bytes())
    by_file = json.loads(run("search", store, outside, "-k", 1, "--index", "faiss-flat", "--json").stdout)
    assert by_file[0]["scan"] == "images/1_0.png"
    assert by_file[0]["similarity"] == pytest.approx(1, abs=1e-4)
    shown = run("search", store, "images/1_0.png", "--html", tmp_path / "found.html")
    assert "similarity" in shown.stdout
    assert "not calibrated" in shown.stderr, "why there are no odds"
    assert found[0]["p_same"] is None
    page = (tmp_path / "found.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 6, "the one asked for, and five found"
    assert "not calibrated" in page
    no_folder = run("search", store, outside, "--html", tmp_path / "outside.png" / "x.html")
    assert no_folder.exit_code == 2
    assert "cannot be written" in no_folder.stderr


def test_what_is_asked_for_in_vain(store: Path, tmp_path: Path) -> None:
    missing = run("search", store, "images/1_9.png")
    assert missing.exit_code == 2
    assert "images/1_0.png" in missing.stderr, "the nearest ids are named"
    assert run("search", tmp_path, "x").exit_code == 2
    assert run("search", store, tmp_path / "d/scans.csv").exit_code == 1, "no picture"
    outside = tmp_path / "outside.png"
    outside.write_bytes((tmp_path / "d/images/1_0.png").read_bytes())
    nobody = run("search", store, outside, "--not-same")
    assert nobody.exit_code == 2
    assert "whose subject" in nobody.stderr


def test_scans_are_added_removed_and_purged(store: Path, small_store: ModuleType, tmp_path: Path) -> None:
    manifest = small_store.pictures(tmp_path / "d", subjects=4)
    added = run("store", "add", store, manifest)
    assert "8 fingerprints of 8 numbers" in added.stdout
    assert "2 of them new" in added.stdout
    assert "1 scan was" in run("store", "remove", store, "images/3_0.png").stdout
    memo, content = PairsMemo(), read(store).table.column(CONTENT)[0]
    memo.keep(key(9, str(content), "f" * 16), {"mutual": 0.5})
    memo.keep(key(9, "e" * 16, "f" * 16), {"mutual": 0.5})
    purged = json.loads(run("store", "purge", store, "--where", "subject=s0", "--json").stdout)
    assert (purged["scans"], purged["pairs"]) == (["images/0_0.png", "images/0_1.png"], 1)
    assert purged["files"] in (2, 4), "small copies too, where pictures were drawn"
    assert memo.known({(0, 1): key(9, "e" * 16, "f" * 16)}), "those of others stay"
    assert run("store", "remove", store).exit_code == 2
    assert run("store", "remove", store, "--where", "subject").exit_code == 2
    assert run("store", "add", tmp_path, manifest).exit_code == 2


def test_an_index_that_looks_into_lists_is_kept_in_the_store(store: Path) -> None:
    assert run("search", store, "images/1_0.png", "--index", "faiss-ivf").exit_code == 0
    (kept,) = (store / "indexes").iterdir()
    assert run("search", store, "images/1_0.png", "--index", "faiss-ivf").exit_code == 0
    assert list((store / "indexes").iterdir()) == [kept]


def test_a_model_is_found_by_folder_file_or_name(store: Path, tmp_path: Path) -> None:
    nothing = run("embed", tmp_path / "d/scans.csv", "-o", tmp_path / "t")
    assert nothing.exit_code == 2
    assert "--model" in nothing.stderr
    unknown = run("embed", tmp_path / "d/scans.csv", "-o", tmp_path / "t", "--model", "brain-v999")
    assert unknown.exit_code == 2
    assert "brain-v999" in unknown.stderr
    empty = run("embed", tmp_path / "d/scans.csv", "-o", tmp_path / "t", "--model", tmp_path)
    assert empty.exit_code == 2
    by_file = run(
        "embed", tmp_path / "d/scans.csv", "-o", tmp_path / "t", "--model", tmp_path / "model/model.safetensors"
    )
    assert by_file.exit_code == 0
    again = run("embed", tmp_path / "d/scans.csv", "-o", tmp_path / "t", "--shard", "1/2")
    assert "0 of them new" in again.stdout
