from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

import mlfp.api
from mlfp.api import Embedded
from mlfp.cli import app
from mlfp.data.scans import ScanFailure
from mlfp.types.fingerprints import Fingerprints
from mlfp.types.scan_table import ScanTable

TABLE = ScanTable(pd.DataFrame({"scan": ["a", "b"], "subject": ["1", "2"]}))
FINGERPRINTS = Fingerprints(TABLE, np.zeros((2, 8), dtype=np.float32), model="made up")


def _run(*args: str) -> Result:
    return CliRunner().invoke(app.application, ["embed", "scans.csv", "-o", "store", "--model", "model", *args])


@pytest.fixture
def failures(monkeypatch: pytest.MonkeyPatch) -> list[ScanFailure]:
    """The scans that ``mlfp.embed`` could not read, for the test to fill."""
    found: list[ScanFailure] = []

    def embed(data: str, **options: Any) -> Embedded:
        return Embedded(FINGERPRINTS, found, options["out"] / "fingerprints.parquet", fresh=1)

    monkeypatch.setattr(mlfp.api, "embed", embed)
    return found


def test_what_was_written_is_told(failures: list[ScanFailure]) -> None:
    shown = _run()
    assert shown.exit_code == 0
    assert shown.stdout == "2 fingerprints of 8 numbers in store/fingerprints.parquet, 1 of them new\n"


def test_scans_that_were_left_out_make_exit_code_3(failures: list[ScanFailure]) -> None:
    failures.append(ScanFailure("c", "3", "it is cut short"))
    shown = _run("--json")
    assert shown.exit_code == 3
    assert json.loads(shown.stdout)["failures"] == [{"scan": "c", "reason": "it is cut short"}]


def test_a_model_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    manifest = tmp_path / "scans.csv"
    manifest.write_text("path,subject\na.nii,1\n", encoding="utf-8")
    shown = CliRunner().invoke(app.application, ["embed", str(manifest), "-o", str(tmp_path / "s"), "--model", "no"])
    assert shown.exit_code == 2
    assert "mlfp train" in shown.stderr
