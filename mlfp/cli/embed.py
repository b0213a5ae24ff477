"""``mlfp embed``: scans to fingerprints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlfp.cli.app import PARTIAL, Manner
from mlfp.cli.options import out_option
from mlfp.cli.output import json_option, print_json
from mlfp.cli.progress import telling
from mlfp.wording import counted

if TYPE_CHECKING:
    from mlfp.api import Embedded


@click.command()
@click.argument("data")
@out_option("Folder of the store to write.", required=True)
@click.option(
    "--model",
    metavar="DIR|NAME",
    help="What `mlfp train` wrote, or a published one; unless given the store's own, or brain-v1 for volumes.",
)
@click.option("--shard", metavar="I/N", help="Only one of N shares of the scans: several processes, one store.")
@click.option("--batch-size", type=click.IntRange(min=1), help="Scans a forward pass; by their size unless given.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, mps.")
@json_option
@click.pass_context
def embed(
    ctx: click.Context,
    data: str,
    out: Path,
    model: str | None,
    shard: str | None,
    batch_size: int | None,
    device: str,
    as_json: bool,
) -> None:
    """Turn the scans of DATA (a manifest, a folder, or dataset:path) into fingerprints.

    They are preprocessed as the model's training was. Only scans that are new or have changed are embedded; a run that
    was stopped goes on where it was. Exits with 3 if some scans could not be used: they are listed in failures.csv.
    """
    from mlfp import api

    manner = ctx.find_object(Manner) or Manner()
    with telling(manner) as teller:
        embedded = api.embed(
            data, model=model, out=out, shard=shard, batch_size=batch_size, device=device,
            progress=teller.progress, announce=teller.announce,
        )  # fmt: skip
    print_embedded(ctx, embedded, as_json=as_json)


def print_embedded(ctx: click.Context, embedded: Embedded, *, as_json: bool) -> None:
    """Print what is in the store now; exit as fits the failures."""
    scans, dims = embedded.fingerprints.vectors.shape
    if as_json:
        failures = [{"scan": item.scan, "reason": item.reason} for item in embedded.failures]
        told = {"store": str(embedded.store), "scans": scans, "dims": dims, "fresh": embedded.fresh}
        print_json({**told, "failures": failures})
    else:
        click.echo(f"{scans} fingerprints of {dims} numbers in {embedded.store}, {embedded.fresh} of them new")
        if embedded.failures:
            click.echo(
                f"{counted(len(embedded.failures), 'scan was', 'scans were')} left out: see failures.csv beside it."
            )
    if embedded.failures:
        ctx.exit(PARTIAL)
