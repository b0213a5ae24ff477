from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from mlfp.cli import app


def _run(*args: str) -> Result:
    return CliRunner().invoke(app.application, ["data", *args])


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six small synthetic scans of three subjects."""
    folder = tmp_path_factory.mktemp("scans")
    made = _run("synth", "-o", str(folder), "--subjects", "3", "--sessions", "2", "--set", "spacing=5")
    assert made.exit_code == 0, made.output
    return folder


def test_a_parameter_that_is_no_yaml_is_a_usage_error(tmp_path: Path) -> None:
    shown = _run("synth", "-o", str(tmp_path), "--set", "sites=[")
    assert shown.exit_code == 2
    assert "not valid YAML" in shown.stderr


def test_synthetic_scans_are_told_as_any_other(scans: Path) -> None:
    shown = _run("inspect", str(scans))
    assert shown.exit_code == 0, shown.output
    assert "6 scans of 3 subjects" in shown.stdout
    assert "5 x 5 x 5" in shown.stdout


def test_a_scan_that_cannot_be_read_is_named_with_the_reason_and_exit_code_3(scans: Path, tmp_path: Path) -> None:
    frame = pd.read_csv(scans / "scans.csv", dtype=str)
    frame["path"] = [str(scans / path) for path in frame["path"]]
    broken = tmp_path / "broken.nii.gz"
    broken.write_text("this is no NIfTI", encoding="utf-8")
    frame.loc[0, "path"] = str(broken)
    frame.to_csv(tmp_path / "scans.csv", index=False)
    shown = _run("inspect", str(tmp_path))
    assert shown.exit_code == 3
    assert "1 scan cannot be read" in shown.stdout
    assert frame["scan"][0] in shown.stdout
    told = json.loads(_run("inspect", str(tmp_path), "--json").stdout)
    assert [item["scan"] for item in told["failures"]] == [frame["scan"][0]]


def test_a_contact_sheet_is_a_picture(scans: Path, tmp_path: Path) -> None:
    from PIL import Image

    sheet = tmp_path / "new" / "sheet.png"
    assert _run("inspect", str(scans), "--sheet", str(sheet)).exit_code == 0
    with Image.open(sheet) as image:
        assert min(image.size) > 100


def test_a_split_shares_no_subject_and_can_be_used_again(scans: Path, tmp_path: Path) -> None:
    path = tmp_path / "split.csv"
    shown = _run("split", str(scans), "-o", str(path), "--val", "0.34", "--test", "0.34", "--json")
    assert shown.exit_code == 0, shown.output
    frame = pd.read_csv(path, dtype=str)
    assert (frame.groupby("subject")["split"].nunique() == 1).all()
    assert set(frame["split"]) == {"train", "val", "test"}
    assert json.loads(shown.stdout)["test"] == {"subjects": 1, "scans": 2}
    assert _run("inspect", str(path)).exit_code == 0


def test_shares_that_leave_nobody_to_train_on_are_refused(scans: Path, tmp_path: Path) -> None:
    shown = _run("split", str(scans), "-o", str(tmp_path / "x.csv"), "--val", "0.5", "--test", "0.5")
    assert shown.exit_code == 2
    assert not (tmp_path / "x.csv").exists()


def test_a_manifest_without_subjects_says_what_is_missing_and_where(tmp_path: Path) -> None:
    manifest = tmp_path / "scans.csv"
    manifest.write_text("path,subjct\na.nii,1\n", encoding="utf-8")
    shown = _run("inspect", str(manifest))
    assert shown.exit_code == 2
    assert "no column 'subject'" in shown.stderr
    assert "Did you mean: subjct?" in shown.stderr


def test_a_parameter_the_phantom_has_not_is_refused(tmp_path: Path) -> None:
    shown = _run("synth", "-o", str(tmp_path), "--set", "spacng=4")
    assert shown.exit_code == 2
    assert "Did you mean: spacing?" in shown.stderr


def test_the_built_in_data_sets_are_listed() -> None:
    told = json.loads(_run("list", "--json").stdout)
    assert {"mlfp/manifest", "mlfp/folder", "mlfp/phantom"} <= {item["id"] for item in told}
    assert "mlfp/phantom" in _run("list").stdout
