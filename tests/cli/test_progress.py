from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.progress import Progress

from mlfp.cli import progress
from mlfp.cli.app import Manner


def test_a_log_gets_every_announcement_and_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with progress.telling(Manner()) as teller:
        for done in range(100):
            now[0] = float(done)
            teller.progress("training", done, 100)
        teller.announce("one run ended")
    assert capsys.readouterr() == ("", "".join(f"training {n}/100\n" for n in range(15, 100, 15)) + "one run ended\n")


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.telling(Manner(quiet=True)) as teller:
        teller.progress("training", 1, 2)
        teller.announce("one run ended")
    assert capsys.readouterr() == ("", "")


def test_a_terminal_gets_a_bar_a_kind_of_work_until_it_is_done() -> None:
    stream = io.StringIO()
    with Progress(console=Console(file=stream, force_terminal=True)) as bars:
        watched = progress.Watched(bars)
        watched.progress("runs", 1, 3)
        watched.progress("training", 5, 10)
        assert [(task.description, task.completed) for task in bars.tasks] == [("runs", 1), ("training", 5)]
        watched.progress("training", 10, 10)
        watched.announce("triplet [0.9] ended")
        assert [task.description for task in bars.tasks] == ["runs"]
    assert "triplet [0.9] ended" in stream.getvalue()
