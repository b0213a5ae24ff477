"""What the observer writes is what TensorBoard reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlfp.plugins import registry
from mlfp.types.spec import Spec

pytest.importorskip("tensorboard")


def read(folder: Path, name: str) -> list[tuple[int, float]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return [(event.step, event.value) for event in events.Scalars(name)]


def test_a_resumed_run_overwrites_what_was_lost(tmp_path: Path) -> None:
    for steps in (range(1, 6), range(3, 8)):
        observer = registry().build("observer", Spec("tensorboard"))
        observer.run_started("run", tmp_path, {"encoder": "compact-2d"})
        for step in steps:
            observer.step_finished(step, {"triplet.loss": float(step + steps[0])})
        observer.run_finished({"val.map_at_r": 0.5})
    expected = [(1, 2), (2, 3), (3, 6), (4, 7), (5, 8), (6, 9), (7, 10)]
    assert read(tmp_path / "tensorboard", "triplet/loss") == expected


def test_validations_are_written_however_seldom_the_rest(tmp_path: Path) -> None:
    observer = registry().build("observer", Spec("tensorboard", {"every": 10, "folder": str(tmp_path)}))
    observer.run_started("run", tmp_path / "elsewhere", {})
    for step in range(1, 21):
        observer.step_finished(step, {"loss": 1.0, **({"val.map_at_r": 0.5} if step == 7 else {})})
    observer.run_finished({})
    assert [step for step, _ in read(tmp_path / "run", "loss")] == [7, 10, 20]
