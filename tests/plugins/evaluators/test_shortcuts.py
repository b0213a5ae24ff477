from __future__ import annotations

import numpy as np
import pytest
from mlfp_plugins.evaluators.shortcuts import Shortcuts

from mlfp.testing.trials import behind, trial
from mlfp.types.exhibit import Panel, Reading
from mlfp.types.measured import Measured

SUBJECTS, SCANS = 60, 3
LABELS = np.repeat(np.arange(SUBJECTS), SCANS)


def readings(found: Measured) -> dict[str, Reading]:
    panel = found.exhibits["panel"]
    assert isinstance(panel, Panel)
    names = [name for name in found if name not in ("hit_at_1", "alarms")]
    assert found["alarms"].value == sum(reading.alarm for reading in panel.readings)
    assert all(isinstance(reading.alarm, bool) for reading in panel.readings)
    return dict(zip(names, panel.readings, strict=True))


def people(seed: int = 0, noise: float = 0.4) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(SUBJECTS, 8))[LABELS] + noise * rng.normal(size=(len(LABELS), 8))


def scanners(by_subject: bool, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 3, SUBJECTS)[LABELS] if by_subject else rng.integers(0, 3, len(LABELS))


def test_a_method_that_tells_the_scanner_is_unmasked() -> None:
    sites = scanners(by_subject=True)
    cheat = 9 * np.eye(3)[sites] + 0.1 * np.random.default_rng(1).normal(size=(len(LABELS), 3))
    columns = {"site": [f"site{site}" for site in sites]}
    caught = readings(Shortcuts()(trial(LABELS, cheat, "l2", **columns)))
    honest = readings(Shortcuts()(trial(LABELS, people(), **columns)))
    for name in ("nearest_stranger_same_site", "hit_at_1_same_site_gallery", "site_probe"):
        assert caught[name].alarm, name
        assert not honest[name].alarm, name
    assert caught["nearest_stranger_same_site"].value == 1
    assert 0.25 < caught["nearest_stranger_same_site"].reference < 0.45
    assert "hit_at_1_cross_site" not in caught


def test_subjects_that_are_lost_at_another_scanner_are_seen() -> None:
    sites = scanners(by_subject=False)
    columns = {"site": [f"site{site}" for site in sites]}
    both = np.concatenate([people(), 9 * np.eye(3)[sites]], axis=1)
    caught = readings(Shortcuts()(trial(LABELS, both, "l2", **columns)))
    honest = readings(Shortcuts()(trial(LABELS, people(), "l2", **columns)))
    assert caught["hit_at_1_cross_site"].alarm
    assert not honest["hit_at_1_cross_site"].alarm
    assert caught["hit_at_1_cross_site"].value < 0.1 < 0.9 < caught["hit_at_1_cross_site"].reference


def test_a_method_that_tells_the_outline_is_unmasked() -> None:
    outlines, nothing = people(1), np.random.default_rng(5).normal(size=(len(LABELS), 8))
    cut = "disturb kind=edge amount=4.0"
    cheat = behind(
        trial(LABELS, outlines), altered_to={"outline-only": outlines, cut: nothing}, scorers={"outline": outlines}
    )
    inside = people(2)
    honest = behind(
        trial(LABELS, inside), altered_to={"outline-only": nothing, cut: inside + 0.1}, scorers={"outline": nothing}
    )
    caught, cleared = readings(Shortcuts()(cheat)), readings(Shortcuts()(honest))
    for name in ("hit_at_1_outline_only", "hit_at_1_outline_cut", "hit_at_1_of_outline"):
        assert caught[name].alarm, name
        assert not cleared[name].alarm, name


def test_a_method_that_tells_the_header_is_unmasked() -> None:
    rng = np.random.default_rng(0)
    header = rng.normal(size=(SUBJECTS, 2))[LABELS]
    columns = {"manufacturer": [f"maker {place % 4}" for place in range(len(LABELS))]}
    nothing = rng.normal(size=(len(LABELS), 8))
    cheat = behind(trial(LABELS, header, "l2", **columns), scorers={"outline": nothing, "header-only": header})
    assert readings(Shortcuts()(cheat))["hit_at_1_of_header"].alarm


def test_kin_that_are_taken_for_each_other_are_seen() -> None:
    twins = [f"twins{label // 2}" for label in LABELS]
    rng = np.random.default_rng(3)
    shared = rng.normal(size=(SUBJECTS // 2, 8))[LABELS // 2]
    caught = readings(Shortcuts()(trial(LABELS, shared + 0.1 * rng.normal(size=shared.shape), group=twins)))
    honest = readings(Shortcuts()(trial(LABELS, people(), group=twins)))
    assert caught["hit_at_1_kin"].alarm
    assert not honest["hit_at_1_kin"].alarm
    assert caught["hit_at_1_kin"].reference == pytest.approx(2 / 5)


def test_what_could_not_be_looked_at_is_said() -> None:
    notes = Shortcuts()(trial(LABELS, people(), site=["one"] * len(LABELS))).notes
    assert any("one site" in note for note in notes)
    assert any("only their fingerprints" in note for note in notes)
