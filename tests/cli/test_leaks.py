"""``mlfp calibrate`` and ``mlfp leaks`` as a user runs them, on pictures."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from mlfp.cli import app


def run(*args: object) -> Result:
    """What ``mlfp`` does with these arguments."""
    return CliRunner().invoke(app.application, [str(arg) for arg in args])


@pytest.fixture(scope="module")
def folder(small_store: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two data sets with two common subjects, one of them a copy of the file, and a calibrated model."""
    top = tmp_path_factory.mktemp("leaks")
    small_store.model().save(top / "model" / "model.safetensors")
    labelled = small_store.pictures(top / "labelled", subjects=24, scans=3, seed=5)
    assert run("embed", labelled, "-o", top / "labelled-store", "--model", top / "model").exit_code == 0
    calibrated = run("calibrate", top / "labelled-store", "--model", top / "model", "--verified", 0)
    assert calibrated.exit_code == 0, calibrated.stderr
    assert "72 pairs of one person" in calibrated.stdout
    frame = pd.read_csv(small_store.pictures(top / "a", subjects=8, scans=2, seed=1))
    frame.assign(split=["train", "test"] * 2 + ["train"] * 12).to_csv(top / "a/scans.csv", index=False)
    small_store.pictures(top / "b", subjects=2, scans=3, seed=1)
    other = small_store.pictures(top / "c", subjects=6, scans=2, seed=2)
    rows = [pd.read_csv(other).assign(path=lambda table: "../c/" + table["path"])]
    rows.append(pd.DataFrame({"path": ["images/0_2.png", "images/1_2.png"], "subject": ["x0", "x1"]}))
    (top / "b/copy.png").write_bytes((top / "a/images/5_0.png").read_bytes())
    rows.append(pd.DataFrame({"path": ["copy.png"], "subject": ["x5"]}))
    pd.concat(rows).assign(split="test").to_csv(top / "b/scans.csv", index=False)
    return top


def test_a_search_tells_the_odds_of_a_calibrated_model(folder: Path) -> None:
    asked = ("search", folder / "labelled-store", "images/3_0.png", "-k", 4)
    hits = json.loads(run(*asked, "--json").stdout)
    chances = {hit["scan"]: hit["p_same"] for hit in hits}
    assert all(0 <= chance <= 1 for chance in chances.values())
    assert max(chances, key=lambda scan: chances[scan]).startswith("images/3_")
    assert "p_same" in run(*asked).stdout
    others = json.loads(run(*asked, "--not-same", "--json").stdout)
    assert max(hit["p_same"] for hit in others) < max(chances.values())


def test_common_subjects_are_found_written_and_shown(folder: Path) -> None:
    out = folder / "out"
    shown = run("leaks", folder / "a", folder / "b", "-o", out, "--model", folder / "model", "--verify", "never")
    assert shown.exit_code == 0, shown.stderr
    assert "the same file" in shown.stdout
    assert "across a | b" in shown.stdout
    pairs = pd.read_csv(out / "pairs.csv", keep_default_na=False)
    copies = pairs[pairs["kind"] == "exact-file"]
    assert list(copies["subject_a"]) == ["s5"]
    assert list(copies["subject_b"]) == ["x5"]
    assert {"s0", "s1"} & set(pairs["subject_a"][pairs["kind"] == "same-id"]), "one id on two sides"
    found = pairs[pairs["kind"] == "same-subject"]
    right = found["subject_b"] == found["subject_a"].str.replace("s", "x")
    assert right.sum() >= 2, "an untrained model of 8 numbers misses some"
    assert right.mean() > 0.7
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "data:image/png;base64," in page
    assert not re.search(r"(src|href)=\"(?!data:)", page), "it needs nothing else"
    told = json.loads((out / "summary.json").read_text())
    assert told["pairs_across_splits"]["test | train"] >= 3
    sides = json.loads((out / "splits.json").read_text())
    assert not {"b/copy.png"} & set(sides["test"]), "it went to train with its copy"
    again = run("-q", "leaks", folder / "a", folder / "b", "-o", out, "--model", folder / "model", "--json")
    assert json.loads(again.stdout)["scans"] == told["scans"]


def test_gates(folder: Path) -> None:
    given = ("leaks", folder / "a", folder / "b", "-o", folder / "gate", "--model", folder / "model")
    for gate in ("pairs", "clusters"):
        shown = run(*given, "--fail-on", gate)
        assert shown.exit_code == 4
        assert "--fail-on" in shown.stderr
    alone = run("leaks", folder / "c", "-o", folder / "alone", "--model", folder / "model", "--fail-on", "pairs")
    assert alone.exit_code == 0, alone.stdout


def test_redacted_results_name_nobody(folder: Path) -> None:
    given = ("leaks", folder / "a", folder / "b", "-o", folder / "red", "--model", folder / "model", "--redact")
    assert run(*given).exit_code == 0
    for path in (folder / "red").iterdir():
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            assert "images/" not in text
            assert not re.search(r"\bs5\b|\bx5\b", text)
    assert "data:image" not in (folder / "red/report.html").read_text(encoding="utf-8")


def test_what_cannot_be_done_is_said(folder: Path) -> None:
    no_model = run("leaks", folder / "a", "-o", folder / "no")
    assert no_model.exit_code == 2
    assert "--model" in no_model.stderr
    rate = run("leaks", folder / "a", "-o", folder / "no", "--model", folder / "model", "--fmr", "1e-9")
    assert rate.exit_code == 2
    assert "cannot be promised" in rate.stderr
    always = run("leaks", folder / "a", "-o", folder / "no", "--model", folder / "model", "--verify", "always")
    assert always.exit_code == 2
    nothing = run(
        "leaks", folder / "a", "-o", folder / "no", "--model", folder / "model", "--calibration", folder / "c"
    )
    assert nothing.exit_code == 2
    assert "no calibration" in nothing.stderr
