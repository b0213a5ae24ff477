"""Repaired splits: nobody is on two sides, and files say it in everybody's words."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlfp.errors import ParameterError
from mlfp.leaks import repair


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 9999), scans=st.integers(1, 30), policy=st.sampled_from(["move", "drop"]))
def test_no_group_is_on_two_sides(seed: int, scans: int, policy: repair.Policy) -> None:
    generator = np.random.default_rng(seed)
    splits = generator.choice(np.array(["train", "val", "test", ""], dtype=object), size=scans)
    groups = generator.integers(0, 8, size=scans)
    found = repair.repair(splits, groups, policy=policy)
    for group in np.unique(groups):
        before = [side for side in splits[groups == group] if side]
        after = {side for side in found.after[groups == group] if side not in ("", "dropped")}
        assert len(after) <= 1
        if before:
            assert after == {min(before, key=repair.PRIORITY.index)}
    assert np.array_equal(found.after == "", splits == ""), "who had no side gets none"
    if policy == "move":
        assert "dropped" not in found.after


def test_files_for_others(tmp_path: Path) -> None:
    scans = ["imagesTr/A_001_0000.nii.gz", "imagesTr/A_001_0001.nii.gz", "imagesTr/A_002_0000.nii.gz", "b.png"]
    groups = np.array([0, 0, 0, 1])
    splits = np.array(["train", "train", "validation", "validation"], dtype=object)
    repair.write(tmp_path, repair.repair(splits, groups), scans, ["s"] * 4, groups)
    assert json.loads((tmp_path / "splits_final.json").read_text()) == [{"train": ["A_001", "A_002"], "val": ["b"]}]
    assert json.loads((tmp_path / "splits.json").read_text()) == {"train": scans[:3], "validation": scans[3:]}
    with (tmp_path / "splits.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["action"] for row in rows] == ["kept", "kept", "moved", "kept"]
    with (tmp_path / "groups.csv").open(newline="") as file:
        assert [row["group"] for row in csv.DictReader(file)] == ["0", "0", "0", "1"]


def test_without_sides_there_are_folds_by_group() -> None:
    groups = np.repeat(np.arange(10), 3)
    scans = [f"{group}_{place % 3}.nii.gz" for place, group in enumerate(groups)]
    folds = repair.folds(np.full(30, "", dtype=object), scans, groups)
    assert len(folds) == 5
    for fold in folds:
        sides = [{case.split("_")[0] for case in fold[side]} for side in ("train", "val")]
        assert not sides[0] & sides[1]
    with pytest.raises(ParameterError, match="policy"):
        repair.repair(np.array(["a"], dtype=object), np.array([0]), policy="burn")  # type: ignore[arg-type]
