from __future__ import annotations

import json
from dataclasses import replace

import pandas as pd
import pytest
from click.testing import CliRunner

from mlfp.cli.app import application
from mlfp.data.locate import locate
from mlfp.errors import UsageError
from mlfp.plugins import registry
from mlfp.preparing.run import prepare_data
from mlfp.preparing.settings import Settings
from mlfp.types.spec import Spec

PLAIN = Settings(register="none")


def _dataset(tree):
    return registry().build("dataset", locate(str(tree)))


def test_what_is_done_is_kept_and_what_failed_is_tried_again(tree, tmp_path):
    out = tmp_path / "out"
    first = prepare_data(_dataset(tree), out, PLAIN, workers=1)
    assert (first.made, first.kept, [item.scan for item in first.failures]) == (4, 0, ["4.nii.gz"])
    failures = pd.read_csv(out / "failures.csv")
    assert failures["subject"].tolist() == ["B"]
    assert "damaged" in failures["reason"][0]
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.nii.gz")}
    again = prepare_data(_dataset(tree), out, PLAIN, workers=1)
    assert (again.made, again.kept, len(again.failures)) == (0, 4, 1)
    (tree.parent / "4.nii.gz").write_bytes((tree.parent / "0.nii.gz").read_bytes())
    repaired = prepare_data(_dataset(tree), out, PLAIN, workers=1)
    assert (repaired.made, repaired.kept, repaired.failures) == (1, 4, ())
    assert pd.read_csv(out / "failures.csv").empty
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert len(pd.read_csv(out / "scans.csv")) == 5


def test_the_derivatives_are_read_as_bids_with_days_and_people(tree, tmp_path):
    out = tmp_path / "out"
    frame = pd.read_csv(tree, dtype=str).assign(date=["2001-02-03", "2001-02-03", "2002-02-03", "", "2004-01-01"])
    frame.assign(site=["X", "X", "X", "Y", "Y"], sex=["F", "F", "M", "M", ""]).to_csv(tree, index=False)
    prepare_data(_dataset(tree), out, PLAIN, workers=1)
    table = registry().build("dataset", Spec("bids", {"path": out})).table()
    assert [remark.kind for remark in table.remarks] == ["missing modality"], "A1 has a FLAIR alone"
    columns = ["source_id", "session", "date", "modality", "contrast_agent", "site"]
    assert table.frame[columns].to_numpy().tolist() == [
        ["A1", "1", "", "FLAIR", "", "Y"],
        ["A_1", "1", "2001-02-03", "T1w", "agent", "X"],
        ["A_1", "1", "2001-02-03", "T1w", "", "X"],
        ["A_1", "2", "2002-02-03", "T1w", "", "X"],
    ]
    assert "sex" not in table.columns, "it is not the same in all of a subject's scans"
    kept = pd.read_csv(out / "scans.csv", dtype=str, keep_default_na=False)
    assert kept["date"].tolist() == ["2001-02-03", "2001-02-03", "2002-02-03", ""]
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.tsv")}
    assert len(before) == 3
    prepare_data(_dataset(tree), out, PLAIN, workers=1)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_scan_that_changed_is_made_anew_and_other_settings_are_refused(tree, tmp_path):
    out = tmp_path / "out"
    prepare_data(_dataset(tree), out, PLAIN, workers=1)
    (tree.parent / "0.nii.gz").write_bytes((tree.parent / "1.nii.gz").read_bytes())
    assert prepare_data(_dataset(tree), out, PLAIN, workers=1).made == 1
    with pytest.raises(UsageError, match="other settings") as refused:
        prepare_data(_dataset(tree), out, replace(PLAIN, outliers="high"), workers=1)
    assert "outliers: 'two-sided' then, 'high' now" in str(refused.value)


def test_shards_make_the_same_as_one(tree, tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    prepare_data(_dataset(tree), whole, PLAIN, workers=1)
    made = [prepare_data(_dataset(tree), parts, PLAIN, shard=(number, 3), workers=1).made for number in (2, 3, 1)]
    assert sum(made) == 4
    for name in ("scans.csv", "failures.csv"):
        assert (whole / name).read_bytes() == (parts / name).read_bytes()
    for path in whole.rglob("*.nii.gz"):
        assert path.read_bytes() == (parts / path.relative_to(whole)).read_bytes()


def test_masks_come_from_a_column_or_a_path(tree, tmp_path):
    frame = pd.read_csv(tree).assign(brain=["1.nii.gz", "", "1.nii.gz", "none.nii.gz", "0.nii.gz"])
    frame.to_csv(tree, index=False)
    found = prepare_data(_dataset(tree), tmp_path / "out", replace(PLAIN, mask="brain"), workers=1)
    assert found.made == 2
    reasons = {item.scan: item.reason for item in found.failures}
    assert "names no mask" in reasons["1.nii.gz"]
    assert "its mask cannot be used" in reasons["3.nii.gz"]
    assert len(list((tmp_path / "out").rglob("*_desc-brain_mask.nii.gz"))) == 2
    with pytest.raises(UsageError, match="no column 'brian'"):
        prepare_data(_dataset(tree), tmp_path / "other", replace(PLAIN, mask="brian"), workers=1)


def test_the_command_gives_a_manifest_that_can_be_compared_on(tree, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = ["--register", "none", "--slice", "axial", "--workers", "1"]
    done = CliRunner().invoke(application, ["-q", "prepare", str(tree), "-o", "out", "--json", *options])
    assert done.exit_code == 3, done.output
    told = json.loads(done.stdout)
    assert (told["made"], told["scans"], len(told["failures"])) == (4, 4, 1)
    described = json.loads((tmp_path / "out" / "dataset_description.json").read_text())
    assert described["DatasetType"] == "derivative"
    assert (tmp_path / "out" / "sheet.png").is_file()
    looked = CliRunner().invoke(application, ["-q", "data", "inspect", "out/scans.csv", "--json"])
    assert looked.exit_code == 0, looked.output
    assert json.loads(looked.stdout)["shapes"] == {"22x18": 4}
    wrong = CliRunner().invoke(application, ["prepare", str(tree), "-o", "out", "--shard", "3/2"])
    assert wrong.exit_code == 2
    assert "a shard is i/n" in wrong.output
