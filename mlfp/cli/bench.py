"""``mlfp bench``: compare methods."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlfp.cli.app import FAILED, PARTIAL, Manner
from mlfp.cli.options import assignments, data_option, out_option, set_option, smoke_option, threshold
from mlfp.cli.output import console, json_option, print_json
from mlfp.cli.progress import telling
from mlfp.errors import GateError, UsageError, nearest

if TYPE_CHECKING:
    from mlfp.bench.results import BenchResult


@click.command(
    epilog="A comparison that was stopped goes on where it was; one that is done does no work again. "
    "Exit codes: 0 done, 1 failed, 2 wrong configuration, 3 some runs failed, 4 --fail-under not reached."
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
    as_json: bool,
) -> None:
    """Compare methods, and rank them by how well they tell subjects apart.

    CONFIG is a YAML file. Without it, a quick comparison runs on the built-in phantom, or on the --data given.
    """
    from mlfp import api

    limits = [threshold("--fail-under", text) for text in fail_under]
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
        _gate(result, metric, least)
    if result.failures:
        ctx.exit(PARTIAL)


def _print(result: BenchResult, *, as_json: bool) -> None:
    from mlfp.report.table import print_result

    if as_json:
        print_json({**result.to_json(), "folder": str(result.folder)})
    else:
        print_result(result, console())


def _gate(result: BenchResult, metric: str, least: float) -> None:
    """Complain if no method reaches a value.

    :raises GateError: none does.
    """
    reached = {row.label: row.metrics[metric].value for row in result.rows if metric in row.metrics}
    if not reached:
        known = dict.fromkeys(name for row in result.rows for name in row.metrics)
        raise UsageError(
            f"--fail-under: nobody was measured by {metric!r}",
            hints=[*nearest(metric, known), f"Metrics: {', '.join(name for name in known if '[' not in name)}"],
        )
    label = max(reached, key=lambda name: reached[name])
    if not reached[label] >= least:
        raise GateError(f"{metric} is at best {reached[label]:.3f} ({label}), and should be {least:g} or more")
