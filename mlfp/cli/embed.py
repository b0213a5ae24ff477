"""``mlfp embed``: scans to fingerprints."""

from __future__ import annotations

from pathlib import Path

import click

from mlfp.cli.app import PARTIAL, Manner
from mlfp.cli.options import out_option
from mlfp.cli.output import json_option, print_json
from mlfp.cli.progress import telling


@click.command()
@click.argument("data")
@out_option("Folder of the store to write.", required=True)
@click.option(
    "--model", metavar="DIR|FILE", required=True, type=click.Path(path_type=Path), help="What `mlfp train` wrote."
)
@click.option("--batch-size", type=click.IntRange(min=1), help="Scans a forward pass; by their size unless given.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, mps.")
@json_option
@click.pass_context
def embed(
    ctx: click.Context, data: str, out: Path, model: Path, batch_size: int | None, device: str, as_json: bool
) -> None:
    """Turn the scans of DATA (a manifest, a folder, or dataset:path) into fingerprints.

    They are preprocessed as the model's training was. Exits with 3 if some scans could not be read.
    """
    from mlfp import api

    manner = ctx.find_object(Manner) or Manner()
    with telling(manner) as teller:
        embedded = api.embed(
            data, model=model, out=out, batch_size=batch_size, device=device,
            progress=teller.progress, announce=teller.announce,
        )  # fmt: skip
    scans, dims = embedded.fingerprints.vectors.shape
    if as_json:
        failures = [{"scan": item.scan, "reason": item.reason} for item in embedded.failures]
        print_json({"store": str(embedded.store), "scans": scans, "dims": dims, "failures": failures})
    else:
        click.echo(f"{scans} fingerprints of {dims} numbers in {embedded.store}")
        if embedded.failures:
            click.echo(f"{len(embedded.failures)} scans were left out.")
    if embedded.failures:
        ctx.exit(PARTIAL)
