"""Planted truth: what was planted is found, what was not is not, and the numbers say how sure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mlfp.errors import UsageError
from mlfp.fingerprints.parts import CONTENT, VOXELS
from mlfp.leaks import between, engine
from mlfp.leaks.calibrate import calibrate
from mlfp.leaks.calibration import Calibration
from mlfp.leaks.engine import Hunt, hunt, shown_as
from mlfp.leaks.material import Material, called, gather, names_of
from mlfp.leaks.redact import redacted
from mlfp.leaks.result import FOUND, Leaks, Settings
from mlfp.types.fingerprints import Fingerprints
from mlfp.types.scan_table import ScanTable

DIM = 48


def people(count: int, scans: int, *, seed: int, noise: float = 0.22, first: int = 0) -> Fingerprints:
    """Each person a direction of its own; each scan that direction and noise."""
    generator = np.random.default_rng(seed)
    own = generator.normal(size=(count, DIM))
    vectors = np.repeat(own, scans, axis=0)
    vectors += generator.normal(size=vectors.shape) * noise * 2
    rows = [
        {
            "scan": f"{first + person:04}-{scan}", "subject": f"s{first + person:04}", "session": str(scan),
            CONTENT: f"c{seed}-{person}-{scan}", VOXELS: f"v{seed}-{person}-{scan}",
        }
        for person in range(count)
        for scan in range(scans)
    ]  # fmt: skip
    return Fingerprints(ScanTable(pd.DataFrame(rows)), vectors.astype(np.float32), "m")


def changed(found: Fingerprints, **columns: object) -> Fingerprints:
    """With other columns."""
    frame = found.table.frame.assign(**columns)
    return Fingerprints(ScanTable(frame), found.vectors, found.model)


def join(*parts: Fingerprints) -> Fingerprints:
    """One after the other."""
    frame = pd.concat([part.table.frame for part in parts], ignore_index=True)
    return Fingerprints(ScanTable(frame), np.concatenate([part.vectors for part in parts]), "m")


@pytest.fixture(scope="module")
def calibration() -> Calibration:
    """Made on other people."""
    return calibrate([("made", people(150, 3, seed=9))], verified=0)


def _planted() -> tuple[Fingerprints, set[frozenset[str]], set[str]]:
    """600 scans of 200 people; 10 people under a second id; 2 ids swapped; 3 copies."""
    base = people(200, 3, seed=1)
    frame = base.table.frame.copy()
    same: set[frozenset[str]] = set()
    for person in range(10):
        frame.loc[frame["scan"] == f"{person:04}-2", "subject"] = f"alias{person}"
        same |= {frozenset((f"{person:04}-2", f"{person:04}-{other}")) for other in (0, 1)}
    swapped = {"0050-1", "0051-1"}
    frame.loc[frame["scan"] == "0050-1", "subject"] = "s0051"
    frame.loc[frame["scan"] == "0051-1", "subject"] = "s0050"
    frame["split"] = np.where(np.arange(len(frame)) % 3 == 2, "test", "train")
    for place, column in ((100, CONTENT), (110, CONTENT), (120, VOXELS)):
        frame.loc[frame["scan"] == f"{place + 1:04}-0", column] = frame.loc[
            frame["scan"] == f"{place:04}-0", column
        ].iloc[0]
    return Fingerprints(ScanTable(frame), base.vectors, "m"), same, swapped


@pytest.fixture(scope="module")
def found(calibration: Calibration) -> Leaks:
    """What is found in the planted material."""
    return hunt(gather([("d", _planted()[0])]), calibration, Settings(verify="never", k=5))


def test_what_was_planted_is_found(found: Leaks) -> None:
    _, same, swapped = _planted()
    subject = found.pairs[found.pairs["kind"] == "same-subject"]
    pairs = {frozenset(pair) for pair in zip(subject["scan_a"], subject["scan_b"], strict=True)}
    of_swapped = {pair for pair in pairs if pair & swapped}
    assert len((pairs - of_swapped) - same) <= 1
    assert len(same & pairs) >= 0.9 * len(same)
    assert {found.material.frame["scan"][item.place] for item in found.conflicts} >= swapped
    assert len(found.conflicts) <= 12, "and few others beside them and those they were swapped with"
    counts = found.summary["pairs"]
    assert (counts["exact-file"], counts["identical-voxels"]) == (2, 1)
    assert found.summary["expected_false_pairs"] < 3
    assert found.summary["pairs_across_splits"]["test | train"] >= 18


def test_splits_are_repaired_by_what_was_found(found: Leaks) -> None:
    after = found.repaired.after
    for number in np.unique(found.clusters.of):
        assert len(set(after[found.clusters.members(int(number))])) == 1
    aliases = np.flatnonzero(np.char.startswith(found.material.column("subject").astype(str), "alias"))
    assert (after[aliases] == "train").mean() >= 0.9


def test_an_id_that_stands_on_two_sides_is_told_once(found: Leaks) -> None:
    told = found.pairs[found.pairs["kind"] == "same-id"]
    assert (told["crosses"] == "split").all()
    assert not told.duplicated(["subject_a"]).any()
    assert len(told) > 150


def test_two_data_sets_with_common_people_under_new_ids(calibration: Calibration) -> None:
    one, other = people(60, 2, seed=3), people(60, 2, seed=3)
    rest = people(60, 2, seed=4, first=500)
    moved = np.random.default_rng(0).normal(size=other.vectors.shape).astype(np.float32) * 0.4
    frame = other.table.frame
    other = Fingerprints(
        ScanTable(frame.assign(scan="x" + frame["scan"], subject="x" + frame["subject"], **{CONTENT: "", VOXELS: ""})),
        other.vectors + moved, "m",
    )  # fmt: skip
    material = gather([("a", one), ("b", join(other, rest))])
    found = hunt(material, calibration, Settings(verify="never", index="faiss-flat"))
    pairs = found.pairs[found.pairs["kind"].isin(FOUND)]
    right = pairs["subject_b"] == "x" + pairs["subject_a"]
    assert right.mean() > 0.97
    assert pairs["subject_a"][right].nunique() >= 57
    assert list(found.summary["pairs_across_datasets"]) == ["a | b"]
    assert found.search.recall == 1
    assert len(found.conflicts) <= 2, "one person under two ids is no wrong id"
    loose = hunt(material, calibration, Settings(verify="never", p_same=0.001)).pairs
    loose = loose[loose["kind"].isin(FOUND)]
    false = int((loose["subject_b"] != "x" + loose["subject_a"]).sum())
    expected = float((1 - loose["p_same"]).sum())
    assert 0.5 * false - 3 < expected < 2 * false + 3


def test_a_copy_under_another_id_does_not_make_the_originals_id_wrong() -> None:
    calibration = calibrate([("made", people(150, 3, seed=9, noise=0.6))], verified=0)  # a model that is not very good
    base = people(400, 3, seed=5, noise=0.6)
    taken = [3 * person for person in range(20)]  # the first scan of each of 20 people
    frame = base.table.frame.iloc[taken].assign(scan=lambda rows: "copy" + rows["scan"])
    copies = Fingerprints(
        ScanTable(frame.assign(subject="c" + frame["subject"])), base.vectors[taken], base.model
    )  # fmt: skip
    found = hunt(gather([("d", join(base, copies))]), calibration, Settings(verify="never"))
    assert found.summary["pairs"]["exact-file"] == 20
    name = found.material.frame["scan"]
    for item in found.conflicts:
        assert item.like is None or name[item.like] != f"copy{name[item.place]}", (
            "of course a scan is most like its copy"
        )


def test_ids_may_be_shared(calibration: Calibration) -> None:
    material = gather([("a", people(20, 1, seed=3)), ("b", people(20, 1, seed=3))], shared_ids=True)
    assert material.known_pairs == 20
    found = hunt(material, calibration, Settings(verify="never", shared_ids=True))
    assert not found.pairs["kind"].isin(["same-subject"]).any()


def test_a_rate_is_kept_or_refused(calibration: Calibration) -> None:
    material = gather([("d", _planted()[0])])
    found = hunt(material, calibration, Settings(verify="never", fmr=1e-3))
    assert found.summary["threshold"]["score"] == pytest.approx(calibration.threshold_at(1e-3))
    chosen = found.pairs[found.pairs["kind"] == "same-subject"]
    assert 0.2e-3 < len(chosen) / material.open_pairs < 2e-3
    with pytest.raises(UsageError, match="cannot be promised"):
        hunt(material, calibration, Settings(fmr=1e-9))
    with pytest.raises(UsageError, match="verified pairs"):
        hunt(material, calibration, Settings(verify="always"))


def test_hashed_ids_say_nothing_and_stay_the_same_under_a_key(found: Leaks) -> None:
    one, same, other = (redacted(found.material, key) for key in ("k", "k", None))
    shown = shown_as(found, one)
    text = shown.pairs.to_csv()
    assert "s0050" not in text
    assert "alias" not in text
    assert shown.pairs["kind"].equals(found.pairs["kind"])
    assert one.frame.equals(same.frame)
    assert not (one.frame["subject"] == other.frame["subject"]).any()
    assert one.frame["subject"].nunique() == found.material.frame["subject"].nunique()


def test_what_cannot_be_compared() -> None:
    with pytest.raises(UsageError, match="different models"):
        gather([("a", people(3, 2, seed=0)), ("b", Fingerprints(people(3, 2, seed=1).table, np.ones((6, DIM)), "n"))])
    with pytest.raises(UsageError, match="fewer than two"):
        gather([("a", people(1, 1, seed=0))])
    with pytest.raises(UsageError, match="needs 20 pairs"):
        calibrate([("a", people(3, 2, seed=0))])
    assert names_of(["x/a/scans.csv", "y/b"]) == ["a", "b"]
    assert names_of(["x/a", "y/a"]) == ["x/a", "y/a"]
    assert called("a", "sub-1/t1.nii.gz") == "a/sub-1/t1.nii.gz"
    assert called("a", "/data/t1.nii.gz") == "a:/data/t1.nii.gz"


def test_without_a_calibration_the_data_make_one_or_it_is_said(tmp_path) -> None:
    lines: list[str] = []
    made = between.calibration_of([("d", people(60, 3, seed=2))], [tmp_path], None, lines.append)
    assert made.same == 180
    assert "no calibration" in lines[0]
    with pytest.raises(UsageError, match="cannot make one"):
        between.calibration_of([("d", people(5, 1, seed=2))], [tmp_path], None, lines.append)


def test_a_material_has_every_column() -> None:
    material = gather([("a", people(3, 2, seed=0))])
    assert isinstance(material, Material)
    assert (material.column("split") == "").all()
    assert material.open_pairs == 15 - 3


def test_the_likeliest_are_verified_and_no_more_than_may_be(
    calibration: Calibration, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first are those that the odds of fingerprints put first."""
    asked: list[list[tuple[int, int]]] = []

    def remembered(material: Material, pairs: list[tuple[int, int]], **options: object) -> tuple[dict, dict]:
        asked.append(list(pairs))
        return {}, {}

    monkeypatch.setattr(engine, "verify", remembered)
    able = replace(calibration, verified=calibration.curve)
    fresh = {name: [f"{name}{place}" for place in range(80)] for name in (CONTENT, VOXELS)}
    material = gather([("a", people(40, 2, seed=3)), ("b", changed(people(40, 2, seed=3), **fresh))])
    for most in (5, 20):
        Hunt(material, able, Settings(most_verified=most)).run()
    few, many = asked[0][:5], asked[2][:20]
    assert few == many[:5]
    assert len(set(many)) == 20
