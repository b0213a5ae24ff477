"""``mlfp bench``: compare methods."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlfp.cli.app import FAILED, PARTIAL, Manner
from mlfp.cli.options import assignments, data_option, out_option, set_option, smoke_option, threshold
from mlfp.cli.output import console, json_option, print_json
from mlfp.cli.progress import telling

if TYPE_CHECKING:
    from mlfp.bench.results import BenchResult


@click.command(
    epilog="A comparison that was stopped goes on where it was; one that is done does no work again. "
    "Exit codes: 0 done, 1 failed, 2 wrong configuration, 3 some runs failed, "
    "4 a gate (--fail-under, --fail-if-worse) did not hold."
)
@click.argument("config", required=False, type=click.Path(path_type=Path))
@data_option
@out_option("Folder of the results; results/NAME unless given.")
@set_option
@click.option("--only", metavar="PATTERN", help="Run and show only the methods whose label fits, as in '*triplet*'.")
@smoke_option
@click.option("--check", is_flag=True, help="Check the configuration and the data, run nothing.")
@click.option(
    "--fail-under",
    metavar="METRIC=VALUE",
    multiple=True,
    help="Exit with 4 if no method reaches it; repeatable.",
)
@click.option(
    "--fail-if-worse",
    metavar="METRIC=DELTA",
    multiple=True,
    help="Exit with 4 if a method is worse than before by more than DELTA; repeatable.",
)
@click.option(
    "--against",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="The earlier result that --fail-if-worse compares with: a folder, or its result.json.",
)
@json_option
@click.pass_context
def bench(
    ctx: click.Context,
    config: Path | None,
    data: str | None,
    out: Path | None,
    overrides: tuple[str, ...],
    only: str | None,
    smoke: bool,
    check: bool,
    fail_under: tuple[str, ...],
    fail_if_worse: tuple[str, ...],
    against: Path | None,
    as_json: bool,
) -> None:
    """Compare methods, and rank them by how well they tell subjects apart.

    CONFIG is a YAML file. Without it, a quick comparison runs on the built-in phantom, or on the --data given.
    """
    from mlfp import api
    from mlfp.bench import gates

    limits = [threshold("--fail-under", text) for text in fail_under]
    falls = [threshold("--fail-if-worse", text) for text in fail_if_worse]
    if bool(falls) != (against is not None):
        raise click.UsageError("--fail-if-worse METRIC=DELTA and --against DIR go together: worse than what DIR holds")
    # Before the work, which may write into the same folder.
    before = api.report(against) if against is not None else None
    manner = ctx.find_object(Manner) or Manner()
    with telling(manner) as teller:
        result = api.bench(
            config, data=data, out=out, overrides=assignments(overrides), only=only, smoke=smoke, check=check,
            progress=teller.progress, announce=teller.announce,
        )  # fmt: skip
    if check:
        click.echo(f"{result.name}: nothing is wrong with it.")
        if result.protocol:
            click.echo(f"Fair protocol: {result.protocol['budget']}.")
        return
    _print(result, as_json=as_json)
    if result.failures and not result.rows:
        ctx.exit(FAILED)
    for metric, least in limits:
        gates.fail_under(result, metric, least)
    if before is not None:
        for metric, delta in falls:
            gates.fail_if_worse(result, before, metric, delta)
    if result.failures:
        ctx.exit(PARTIAL)


def _print(result: BenchResult, *, as_json: bool) -> None:
    from mlfp.report.table import print_result

    if as_json:
        print_json({**result.to_json(), "folder": str(result.folder)})
    else:
        print_result(result, console())
