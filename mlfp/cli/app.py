"""``mlfp``: the options that every command shares, and how a failure is told."""

from __future__ import annotations

import errno
import os
import shlex
import sys
import traceback
import warnings
from dataclasses import dataclass
from typing import Any, NoReturn

import click

from mlfp import __version__
from mlfp.cli.lazy import LazyGroup
from mlfp.errors import MlfpError

#: Every command, in the order of the work: where it is, and its line in the help.
COMMANDS = {
    "bench": ("mlfp.cli.bench:bench", "Compare methods, and rank them."),
    "report": ("mlfp.cli.report:report", "Show the results of a finished comparison."),
    "compare": ("mlfp.cli.compare:compare", "Test whether two results, or two methods, differ."),
    "prepare": ("mlfp.cli.prepare:prepare", "Register scans to a template, normalise them, keep them as files."),
    "train": ("mlfp.cli.train:train", "Train one method and keep its model."),
    "embed": ("mlfp.cli.embed:embed", "Turn scans into fingerprints with a trained model."),
    "leaks": ("mlfp.cli.leaks:leaks", "Find the same subject in two data sets, or in train and test."),
    "calibrate": ("mlfp.cli.calibrate:calibrate", "Learn what a model's scores mean, from labelled scans."),
    "search": ("mlfp.cli.search:search", "Find the scans most like one scan."),
    "store": ("mlfp.cli.store:store", "Add scans to a store, remove or purge them."),
    "evaluate": ("mlfp.cli.evaluate:evaluate", "Measure how well fingerprints find their subject."),
    "explain": ("mlfp.cli.explain:explain", "Show which voxels a fingerprint looks at."),
    "data": ("mlfp.cli.data:data", "List, inspect, make and split data sets."),
    "plugins": ("mlfp.cli.plugins:plugins", "List, explain and check components and plugins."),
    "doctor": ("mlfp.cli.doctor:doctor", "Show versions, devices, plugins and folders."),
}
#: Commands that pick up where they were stopped.
RESUMABLE = ("bench", "prepare", "train", "embed", "store", "leaks", "calibrate")
#: Exit codes: an operation could not be done; some of its runs or scans failed. Others are those of the errors.
FAILED = 1
PARTIAL = 3
#: What to do about what the system refuses.
_WAYS_OUT = {
    errno.ENOSPC: ("The disk is full: make room, or write elsewhere with -o.",),
    errno.EDQUOT: ("Your share of the disk is used up: make room, or write elsewhere with -o.",),
    errno.EACCES: ("You may not write or read there: choose another place, as with -o.",),
    errno.EROFS: ("Nothing can be written there: choose another place, as with -o.",),
    errno.ENOENT: ("There is no such place, or it cannot be made: choose another, as with -o.",),
}
#: As a shell reports a program that Ctrl-C stopped.
INTERRUPTED = 130


@dataclass(frozen=True)
class Manner:
    """How a command speaks to its user.

    :param verbose: tracebacks, and the warnings of libraries.
    :param quiet: results and errors only.
    """

    verbose: bool = False
    quiet: bool = False


class _Application(LazyGroup):
    """The outermost group: here a failure of any command becomes a message and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, click.Abort):
            _interrupted(ctx)
        except (click.ClickException, click.exceptions.Exit, BrokenPipeError):
            raise
        except Exception as error:  # the outermost place: whatever it is, the user is told in one way
            _tell(error, verbose=ctx.params["verbose"])
            ctx.exit(error.exit_code if isinstance(error, MlfpError) else FAILED)


def _tell(error: Exception, *, verbose: bool) -> None:
    """A sentence and indented lines; the traceback for those who asked for it."""
    if verbose:
        click.echo("".join(traceback.format_exception(error)), err=True)
    if isinstance(error, MlfpError):
        click.echo(f"Error: {error}", err=True)
        return
    if isinstance(error, OSError):
        click.echo("\n  ".join([f"Error: {error}", *_WAYS_OUT.get(error.errno or 0, ())]), err=True)
        return
    click.echo(f"Error: {type(error).__name__}: {error}", err=True)
    click.echo(f"  This is a bug, of mlfp or of a plugin. To see where: {_again('-v')}", err=True)


def _interrupted(ctx: click.Context) -> NoReturn:
    """Say how to go on, and leave."""
    click.echo("\nInterrupted.", err=True)
    if ctx.invoked_subcommand in RESUMABLE:
        click.echo(f"  What is done is kept. To go on from there: {_again()}", err=True)
    ctx.exit(INTERRUPTED)


def _again(*options: str) -> str:
    """The command line that brought us here."""
    return shlex.join(["mlfp", *options, *sys.argv[1:]])


@click.group(
    cls=_Application,
    commands_by_name=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Without any data: mlfp bench. With your own: mlfp bench --data scans.csv",
)
@click.version_option(__version__, prog_name="mlfp")
@click.option("-v", "--verbose", is_flag=True, help="Show tracebacks, and the warnings of libraries.")
@click.option("-q", "--quiet", is_flag=True, help="Print results and errors, no progress.")
@click.option("--plugins", metavar="NAMES", help="Load only these plugins, comma-separated, and the built-ins.")
@click.option("--disable-plugin", metavar="NAME", multiple=True, help="Leave a plugin out; repeatable.")
@click.option("--strict-plugins", is_flag=True, help="Stop at a broken plugin instead of doing without it.")
@click.pass_context
def application(
    ctx: click.Context,
    verbose: bool,
    quiet: bool,
    plugins: str | None,
    disable_plugin: tuple[str, ...],
    strict_plugins: bool,
) -> None:
    """Tell which scans belong to the same person, and which method tells best."""
    ctx.obj = Manner(verbose=verbose, quiet=quiet)
    # By environment, so that worker processes load the same plugins.
    if plugins is not None:
        os.environ["MLFP_PLUGINS"] = plugins
    if disable_plugin:
        already = os.environ.get("MLFP_DISABLE_PLUGINS", "")
        os.environ["MLFP_DISABLE_PLUGINS"] = ",".join([*filter(None, [already]), *disable_plugin])
    if strict_plugins:
        os.environ["MLFP_STRICT_PLUGINS"] = "1"
    if not verbose:
        # What a library would like its own developers to change is not our user's business.
        warnings.filterwarnings("ignore", category=FutureWarning)
        warnings.filterwarnings("ignore", category=DeprecationWarning)


def main() -> None:
    """Run ``mlfp``."""
    application(prog_name="mlfp")
