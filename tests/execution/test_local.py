"""Work on many items: nothing is lost, nothing stops the others."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest

from mlfp.errors import MlfpError
from mlfp.execution import local
from mlfp.execution.local import WorkerKilledError, WorkersUnavailableError, run

# Worker processes import what they run by name, and tests are no module: builtins are.
KILL = "__import__('os')._exit(9)"


def results(function, items, **keywords):
    found = dict(run(function, items, **keywords))
    assert sorted(found) == list(range(len(items))), "every item is reported once"
    return [found[place] for place in range(len(items))]


@pytest.mark.parametrize("workers", [None, 1, 2])
def test_every_item_is_reported_in_its_place(workers: int | None) -> None:
    assert results(math.sqrt, [0.0, 1.0, 4.0, 9.0], workers=workers) == [0.0, 1.0, 2.0, 3.0]


@pytest.mark.parametrize("workers", [1, 2])
def test_an_exception_is_a_result_and_the_others_go_on(workers: int) -> None:
    first, second, third = results(eval, ["1 + 1", "1 / 0", "3"], workers=workers)
    assert (first, third) == (2, 3)
    assert isinstance(second, ZeroDivisionError)


def test_a_killed_worker_is_reported_for_its_item_alone() -> None:
    found = results(eval, ["1", KILL, "3", "4", "5", KILL, "7", "8", "9"], workers=2)
    assert [place for place, result in enumerate(found) if isinstance(result, WorkerKilledError)] == [1, 5]
    assert [result for result in found if isinstance(result, int)] == [1, 3, 4, 5, 7, 8, 9]


def test_workers_that_die_one_after_another_cost_their_items_alone() -> None:
    # concurrent.futures' pool may wait for ever here: for a worker that was started while another was dying.
    found = results(eval, [KILL if place % 3 else str(place) for place in range(15)], workers=3)
    assert [result for result in found if isinstance(result, int)] == [0, 3, 6, 9, 12]
    assert sum(isinstance(result, WorkerKilledError) for result in found) == 10


def test_what_cannot_be_sent_back_is_an_error_that_says_so() -> None:
    local_class = "(_ for _ in ()).throw(type('Odd', (Exception,), {})('its words'))"
    function, odd, number = results(eval, ["lambda: 1", local_class, "3"], workers=2)
    assert isinstance(function, Exception)
    assert isinstance(odd, RuntimeError)
    assert str(odd) == "Odd: its words"
    assert number == 3


def test_who_stops_listening_stops_the_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[local._Worker] = []
    start = local._start
    monkeypatch.setattr(local, "_start", lambda *given: started.extend(start(*given)) or list(started))
    going = run(eval, ["1", *["__import__('time').sleep(600)"] * 5], workers=2)
    assert next(going) == (0, 1)
    going.close()
    assert len(started) == 2
    assert not any(worker.process.is_alive() for worker in started)


def test_an_error_comes_back_from_a_worker_with_all_it_says() -> None:
    text = "(_ for _ in ()).throw(__import__('mlfp.errors').errors.MlfpError('what', where='where', hints=['hint']))"
    (error, _) = results(eval, [text, "1"], workers=2)
    assert isinstance(error, MlfpError)
    assert str(error) == "what\n  where\n  hint"


def test_workers_start_only_where_what_is_left_would_take_long(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    monkeypatch.setattr(local, "cores", lambda: 2)
    here = os.getpid()
    items = ["__import__('os').getpid()"] * 6
    assert set(results(eval, items)) == {here}
    monkeypatch.setattr(local, "_TRIAL", 0.0)
    monkeypatch.setattr(local, "_WORTH_WORKERS", 0.0)
    found = results(eval, items)
    assert found[0] == here
    assert here not in found[1:]


def test_no_items_are_no_work() -> None:
    assert list(run(math.sqrt, [])) == []
    assert list(run(math.sqrt, [], workers=4)) == []


def test_where_no_worker_can_be_started_the_work_goes_on_here_unless_workers_were_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unavailable(*_: object) -> None:
        raise WorkersUnavailableError("worker processes cannot be started")

    monkeypatch.setattr(local, "_start", unavailable)
    monkeypatch.setattr(local, "cores", lambda: 2)
    monkeypatch.setattr(local, "_TRIAL", 0.0)
    monkeypatch.setattr(local, "_WORTH_WORKERS", 0.0)
    with pytest.warns(RuntimeWarning, match="goes on in this process"):
        assert results(eval, ["1", "2", "1 / 0", "4"])[1::2] == [2, 4]
    with pytest.raises(WorkersUnavailableError):
        list(run(eval, ["1", "2"], workers=2))


def test_a_script_that_workers_cannot_import_again_is_told(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("from mlfp.execution.local import run\nprint(dict(run(len, ['a', 'bc'], workers=2)))\n")
    found = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert found.returncode == 1
    assert "if __name__ == '__main__':" in found.stderr.splitlines()[-1]
