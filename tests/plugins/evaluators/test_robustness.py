from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from mlfp_plugins.evaluators.robustness import AMOUNTS, Robustness

from mlfp.errors import ParameterError, UsageError
from mlfp.testing.trials import Remade, behind, trial
from mlfp.types.exhibit import Curve
from mlfp.types.spec import Spec

LABELS = np.repeat(np.arange(4), 2)
#: Each subject's two scans lie together, the subjects apart.
PLACES = np.repeat(np.eye(4), 2, axis=0) + 0.01 * np.tile([[0], [1]], (4, 1))


def line(found, name: str) -> np.ndarray:
    shown = found.exhibits[name]
    assert isinstance(shown, Curve)
    return shown.lines[0].y


def test_a_curve_begins_with_what_is_not_disturbed() -> None:
    half = PLACES.copy()
    half[:4] = PLACES[[4, 5, 6, 7]]  # the first two subjects' queries look like the others
    given = behind(
        trial(LABELS, PLACES, "l2"),
        altered_to={"disturb kind=noise amount=1.0": half, "move rotate=20.0": PLACES[::-1]},
    )
    found = Robustness(kinds=("noise", "rotation"), amounts={"noise": (0.5, 1.0), "rotation": (20.0,)})(given)
    assert line(found, "noise").tolist() == [1, 1, 0.5]
    assert found["noise"].value == 0.75
    assert found["noise[1]"].value == 0.5
    assert line(found, "rotation").tolist() == [1, 0]
    assert found.notes[0].startswith("time needs")
    assert isinstance(given.scans, Remade)
    assert given.scans.asked == [
        ([], ["disturb kind=noise amount=0.5"], False),
        ([], ["disturb kind=noise amount=1.0"], False),
        (["move rotate=20.0"], [], False),
    ]


def test_every_kind_is_one_that_its_preprocessor_takes() -> None:
    from mlfp.plugins import registry

    given = behind(trial(LABELS, PLACES, "l2"))
    Robustness()(given)
    assert isinstance(given.scans, Remade)
    for before, after, _ in given.scans.asked:
        (step,) = [*before, *after]
        use, *parameters = step.split(" ")
        registry().build("preprocessor", Spec(use, dict(item.split("=") for item in parameters)))
    assert len(given.scans.asked) == sum(map(len, AMOUNTS.values()))


def test_time_tells_apart_what_was_scanned_long_ago() -> None:
    """Of each subject a scan, another half a year later that looks alike, and one 3 years later that does not."""
    labels = np.repeat(np.arange(5), 3)
    places = np.repeat(np.eye(5), 3, axis=0)
    places[2::3] = 0.9 * np.roll(places[2::3], 1, axis=0)
    dates = ["2001-01-01", "2001-07-10", "2004-01-01"] * 5
    given = replace(trial(labels, places, "l2", date=dates))
    found = Robustness(kinds=())(replace(given, scans=Remade(given)))
    assert found["time[0.5-1]"].value == 1
    assert found["time[2-5]"].value == 0
    assert "time[0-0.5]" not in found
    assert found["time[0.5-1]"].n == 10


def test_wrong_questions() -> None:
    given = behind(trial(LABELS, PLACES, "l2"))
    with pytest.raises(ParameterError, match="'nois'"):
        Robustness(kinds=(), amounts={"nois": (1.0,)})(given)
    with pytest.raises(ParameterError, match="rise"):
        Robustness(kinds=("noise",), amounts={"noise": (2.0, 1.0)})(given)
    with pytest.raises(UsageError, match="needs the scans"):
        Robustness()(trial(LABELS, PLACES, "l2"))
