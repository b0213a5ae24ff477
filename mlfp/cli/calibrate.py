"""``mlfp calibrate``: what a model's scores mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mlfp.cli.app import Manner
from mlfp.cli.output import json_option, print_json
from mlfp.cli.progress import telling
from mlfp.wording import counted


@click.command()
@click.argument("stores", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--model", metavar="DIR", help="Write it into this model too, besides the stores' own copies.")
@click.option(
    "--verified", type=click.IntRange(min=0), default=200, show_default=True,
    help="Pairs of each kind to lay over each other, for the odds of verified pairs; 0 leaves that out.",
)  # fmt: skip
@click.option("--workers", type=click.IntRange(min=1), help="Processes that do so; as many as pay unless given.")
@json_option
@click.pass_context
def calibrate(
    ctx: click.Context, stores: tuple[Path, ...], model: str | None, verified: int, workers: int | None, as_json: bool
) -> None:
    """Learn from STORES, whose subject ids are right, how likely a score is for one person and for two.

    What is learnt is written into the model, and mlfp leaks goes by it.
    """
    from mlfp import api

    with telling(ctx.find_object(Manner) or Manner()) as teller:
        made = api.calibrate(*stores, model=model, verified=verified, workers=workers, progress=teller.progress)
    if as_json:
        told: dict[str, Any] = made.to_json()
        told["finest_rate"] = made.finest_rate
        del told["highest"]
        print_json(told)
        return
    click.echo(
        f"Calibrated on {counted(made.same, 'pair')} of one person and {made.different} of two, "
        f"{counted(made.subjects, 'subject')}."
    )
    click.echo(f"The lowest rate of false matches that these support: {made.finest_rate:.2g}")
    if made.verified is None:
        click.echo("Verified pairs have no odds: --verified was 0.")
    else:
        click.echo(f"Verified pairs: from {made.verified_same} of one person and {made.verified_different} of two.")
