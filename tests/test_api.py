from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mlfp
from mlfp.bench.engine import locked
from mlfp.errors import MlfpError, UsageError
from mlfp.fingerprints import store
from mlfp.types.fingerprints import Fingerprints
from mlfp.types.scan_table import ScanTable


def _fingerprints(scans: int = 3, subjects: int = 6, *, noise: float = 0.0) -> Fingerprints:
    """A vector of its own for each subject, and noise."""
    rows = [
        {"scan": f"{subject}-{scan}", "subject": str(subject), "session": str(scan)}
        for subject in range(subjects)
        for scan in range(scans)
    ]
    vectors = np.repeat(np.eye(subjects, dtype=np.float32), scans, axis=0)
    vectors += np.random.default_rng(0).normal(size=vectors.shape).astype(np.float32) * noise
    return Fingerprints(ScanTable(pd.DataFrame(rows)), vectors, model="made up")


@pytest.mark.parametrize(
    "name",
    ["bench", "embed", "evaluate", "explain", "prepare", "report", "search", "store_add", "store_remove", "train"],
)
def test_every_door_can_be_called_whatever_was_imported_before(name: str) -> None:
    import mlfp.bench.engine
    import mlfp.report.table

    assert callable(getattr(mlfp, name))
    assert mlfp.bench.engine.bench.__module__ == "mlfp.bench.engine"


def test_a_package_that_is_a_door_does_what_the_function_does(tmp_path: Path) -> None:
    import mlfp.report.saved  # puts the package in the function's place

    with pytest.raises(UsageError, match="no finished comparison"):
        mlfp.report(tmp_path)


def test_a_door_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'bnech'"):
        mlfp.bnech  # noqa: B018 - looking it up is what is tried


def test_subjects_apart_are_found_from_memory_and_from_a_store(tmp_path: Path) -> None:
    fingerprints = _fingerprints()
    store.write(tmp_path, fingerprints)
    for source in (fingerprints, tmp_path, str(tmp_path)):
        measured = mlfp.evaluate(source)
        assert measured["retrieval"]["map_at_r"].value == 1.0


def test_evaluations_are_written_as_in_a_configuration() -> None:
    spec = {"use": "retrieval", "name": "last", "query": {"session": "2"}, "gallery": {"session": ["0", "1"]}}
    measured = mlfp.evaluate(_fingerprints(noise=0.3), evaluators=[spec, {"use": "few-shot", "ways": 4}])
    assert list(measured) == ["last", "few-shot"]
    assert measured["last"]["map_at_r"].n == 6


@pytest.mark.parametrize(
    ("evaluators", "said"),
    [
        ([{"use": "retrieval", "move": {"rotate": 10}}], "needs the scans"),
        ([{"use": "retrieval", "side": "val"}], "a store is measured as a whole"),
        (["retrieval", "retrieval"], "two evaluations are called 'retrieval'"),
        (["retrival"], "Did you mean: retrieval"),
    ],
)
def test_what_a_store_cannot_answer_is_refused(evaluators: list[object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        mlfp.evaluate(_fingerprints(), evaluators=evaluators)


CONFIG = {
    "name": "two",
    "data": {"use": "phantom", "subjects": 20, "sessions": 2, "spacing": 5},
    "preprocess": [{"use": "slice", "axis": "axial", "position": "center"}, "zscore"],
    "base": {"encoder": "compact-2d"},
    "grid": {"objective": {"triplet": [{"loss": "triplet"}], "infonce": [{"loss": "infonce"}]}},
}


def test_one_of_several_methods_has_to_be_chosen(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--only 'triplet'"):
        mlfp.train(CONFIG, out=tmp_path)


def test_a_training_is_done_once_and_its_folder_is_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    trained = mlfp.train(CONFIG, only="triplet", out="model", smoke=True)
    assert trained.label == "triplet"
    assert "map_at_r" in trained.measured["retrieval"]
    again = mlfp.train(CONFIG, only="triplet", out="model", smoke=True)
    assert again.record.finished == trained.record.finished
    with pytest.raises(UsageError, match="holds another training"):
        mlfp.train(CONFIG, only="infonce", out="model", smoke=True)


def test_two_trainings_do_not_share_a_folder(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(MlfpError, match="another mlfp is at work"):
        mlfp.train(CONFIG, only="triplet", out=tmp_path, smoke=True)


def test_a_folder_without_a_model_says_where_models_come_from(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="mlfp train"):
        mlfp.embed(tmp_path, model=tmp_path)


def test_a_part_of_a_comparison_does_not_replace_the_report_of_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    whole = mlfp.bench(CONFIG, smoke=True)
    part = mlfp.bench(CONFIG, smoke=True, only="outline")
    assert [row.label for row in part.rows] == ["outline"]
    assert [row.label for row in mlfp.report(whole.folder).rows] == [row.label for row in whole.rows]
