from __future__ import annotations

import errno
import subprocess
import sys
from collections.abc import Callable, Iterator

import click
import pytest
from click.testing import CliRunner, Result

from mlfp.cli import app
from mlfp.errors import GateError, MlfpError, UsageError

HEAVY = ("torch", "numpy", "pandas", "rich", "yaml", "pydantic")


@pytest.fixture(autouse=True)
def _plugins_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the options set in the environment goes with the test."""
    for name in ("MLFP_PLUGINS", "MLFP_DISABLE_PLUGINS", "MLFP_STRICT_PLUGINS"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def _run(*args: str) -> Result:
    return CliRunner().invoke(app.application, list(args))


def _imported(code: str) -> set[str]:
    """The heavy libraries that a fresh process has imported after running this."""
    lines = (
        f"import sys\ntry:\n    {code}\nexcept SystemExit:\n    pass\nprint(*[n for n in {HEAVY} if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_help_imports_nothing_heavy() -> None:
    assert _imported("from mlfp.cli import app; app.application(['--help'])") == set()


def test_listing_plugins_imports_no_torch() -> None:
    assert "torch" not in _imported("from mlfp.cli import app; app.application(['plugins', 'list'])")


def test_importing_mlfp_imports_nothing_heavy() -> None:
    assert _imported("import mlfp") == set()


@pytest.mark.parametrize("name", app.COMMANDS)
def test_every_command_of_the_help_is_there_and_explains_itself(name: str) -> None:
    assert name in _run("--help").output
    shown = _run(name, "--help")
    assert shown.exit_code == 0
    assert "Usage: " in shown.output


def test_a_mistyped_command_is_answered_with_the_nearest() -> None:
    shown = _run("bnech")
    assert shown.exit_code == 2
    assert "Did you mean: bench?" in shown.output


def test_a_command_like_no_other_is_answered_with_all() -> None:
    assert "Commands: bench, report" in _run("xyzzy").output


def test_an_unknown_option_is_a_usage_error() -> None:
    assert _run("doctor", "--jsn").exit_code == 2


Raises = Callable[[BaseException], None]


@pytest.fixture
def raises(monkeypatch: pytest.MonkeyPatch) -> Iterator[Raises]:
    """Makes ``mlfp doctor`` raise."""

    def install(error: BaseException) -> None:
        @click.command()
        def doctor() -> None:
            raise error

        monkeypatch.setattr(app.application, "get_command", lambda ctx, name: doctor)

    return install


@pytest.mark.parametrize(
    ("error", "code"), [(MlfpError("it failed"), 1), (UsageError("it is wrong"), 2), (GateError("too low"), 4)]
)
def test_errors_have_the_exit_code_of_their_kind_and_no_traceback(error: MlfpError, code: int, raises: Raises) -> None:
    raises(error)
    shown = _run("doctor")
    assert shown.exit_code == code
    assert shown.stderr.startswith(f"Error: {error.what}")
    assert "Traceback" not in shown.output
    assert shown.stdout == ""


def test_where_and_hints_are_indented_below_the_sentence(raises: Raises) -> None:
    raises(UsageError("no such thing", where="file.yaml:3", hints=["Do this."]))
    assert _run("doctor").stderr == "Error: no such thing\n  file.yaml:3\n  Do this.\n"


def test_verbose_shows_the_traceback(raises: Raises) -> None:
    raises(UsageError("no such thing"))
    assert "Traceback" in _run("-v", "doctor").stderr


def test_a_bug_is_called_one_and_tells_how_to_see_where(raises: Raises) -> None:
    raises(ZeroDivisionError("division by zero"))
    shown = _run("doctor")
    assert shown.exit_code == 1
    assert "ZeroDivisionError: division by zero" in shown.stderr
    assert "mlfp -v" in shown.stderr


def test_a_missing_file_is_no_bug(raises: Raises) -> None:
    raises(FileNotFoundError(2, "No such file or directory", "scans.csv"))
    shown = _run("doctor")
    assert shown.exit_code == 1
    assert "scans.csv" in shown.stderr
    assert "bug" not in shown.stderr


def test_a_full_disk_is_told_with_what_to_do(raises: Raises) -> None:
    raises(OSError(errno.ENOSPC, "No space left on device", "results/x"))
    shown = _run("doctor")
    assert shown.exit_code == 1
    assert "results/x" in shown.stderr
    assert "make room" in shown.stderr


@pytest.mark.parametrize(("command", "resumes"), [("bench", True), ("train", True), ("doctor", False)])
def test_interrupting_exits_with_130_and_tells_how_to_go_on(
    command: str, resumes: bool, raises: Raises, monkeypatch: pytest.MonkeyPatch
) -> None:
    raises(KeyboardInterrupt())
    monkeypatch.setattr(sys, "argv", ["mlfp", command, "my losses.yaml"])
    shown = _run(command)
    assert shown.exit_code == 130
    assert (f"mlfp {command} 'my losses.yaml'" in shown.stderr) == resumes


def test_plugin_options_reach_worker_processes_by_environment(raises: Raises, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    raises(UsageError("stop"))
    monkeypatch.setenv("MLFP_DISABLE_PLUGINS", "one")
    _run("--disable-plugin", "two", "--disable-plugin", "three", "--plugins", "", "--strict-plugins", "doctor")
    assert os.environ["MLFP_DISABLE_PLUGINS"] == "one,two,three"
    assert os.environ["MLFP_PLUGINS"] == ""
    assert os.environ["MLFP_STRICT_PLUGINS"] == "1"
