"""Curves after a kill: no step twice, no half line."""

from __future__ import annotations

import json
from pathlib import Path

from mlfp.training.curves import Curves


def test_steps_beyond_the_checkpoint_are_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "curves.jsonl"
    first = Curves(path, after=0)
    for step in range(1, 6):
        first.add(step, 1, {"loss": float(step)})
    first.close()
    path.write_text(path.read_text() + '{"step": 6, "epo')
    second = Curves(path, after=3)
    second.add(4, 1, {"loss": -4.0})
    second.close()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["step"], line["loss"]) for line in lines] == [(1, 1.0), (2, 2.0), (3, 3.0), (4, -4.0)]


def test_a_new_training_starts_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "curves.jsonl").write_text('{"step": 9, "epoch": 1}\n')
    Curves(tmp_path / "curves.jsonl", after=0).close()
    assert (tmp_path / "curves.jsonl").read_text() == ""
