"""``mlfp train``: one method, and its model."""

from __future__ import annotations

from pathlib import Path

import click

from mlfp.cli.app import Manner
from mlfp.cli.options import assignments, data_option, out_option, set_option, smoke_option
from mlfp.cli.output import json_option, plain, print_json, print_measured
from mlfp.cli.progress import telling


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@data_option
@out_option("Folder of the model; models/NAME unless given.")
@set_option
@click.option("--only", metavar="PATTERN", help="The label of the method, where CONFIG has several.")
@smoke_option
@json_option
@click.pass_obj
def train(
    manner: Manner,
    config: Path,
    data: str | None,
    out: Path | None,
    overrides: tuple[str, ...],
    only: str | None,
    smoke: bool,
    as_json: bool,
) -> None:
    """Train one method of CONFIG with its first seed, measure it, and keep its model.

    A training that was stopped goes on where it was.
    """
    from mlfp import api

    with telling(manner) as teller:
        trained = api.train(
            config, data=data, out=out, overrides=assignments(overrides), only=only, smoke=smoke,
            progress=teller.progress, announce=teller.announce,
        )  # fmt: skip
    if as_json:
        print_json({"label": trained.label, "model": str(trained.model), "measured": plain(trained.measured)})
        return
    print_measured(trained.measured)
    click.echo(f"Model: {trained.model}")
