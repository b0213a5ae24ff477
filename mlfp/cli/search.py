"""``mlfp search``: the scans most like one scan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlfp.cli.app import Manner
from mlfp.cli.output import json_option, print_json
from mlfp.cli.progress import telling

if TYPE_CHECKING:
    from mlfp.search.find import Hit

#: Columns of the scan table that are worth a column on the terminal.
SHOWN = ("session", "date", "modality", "dataset", "split")


@click.command()
@click.argument("store", type=click.Path(path_type=Path))
@click.argument("scan")
@click.option("-k", type=click.IntRange(min=1), default=5, show_default=True, help="How many to find.")
@click.option("--not-same", is_flag=True, help="Leave out the scan's own subject: similar anatomy of other people.")
@click.option("--index", default="exact", show_default=True, help="Component that searches; auto by the store's size.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write a page with pictures of SCAN and of those found.")  # fmt: skip
@click.option("--verify", type=click.Choice(["auto", "never"]), default="auto", show_default=True,
              help="Lay those found over SCAN, if the model is calibrated for it: a second or two each.")  # fmt: skip
@json_option
@click.pass_context
def search(ctx: click.Context, /, store: Path, scan: str, as_json: bool, **options: Any) -> None:
    """Find the scans of STORE most like SCAN (an id in it, or a file).

    A file is embedded with the model that the store keeps. If that is calibrated, p_same is the probability that a scan
    shows the same person: no proof.
    """
    from mlfp import api

    with telling(ctx.find_object(Manner) or Manner()) as teller:
        hits = api.search(store, scan, progress=teller.progress, announce=teller.announce, **options)
    if as_json:
        print_json([{"rank": hit.rank, "similarity": hit.similarity, "p_same": hit.p_same, **hit.row} for hit in hits])
    else:
        _print(hits)


def _print(hits: list[Hit]) -> None:
    from rich.table import Table

    from mlfp.cli.output import console

    others = [name for name in SHOWN if any(hit.row.get(name) for hit in hits)]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("rank", justify="right", no_wrap=True)
    table.add_column("similarity", justify="right", no_wrap=True)
    odds = any(hit.p_same is not None for hit in hits)
    if odds:
        table.add_column("p_same", justify="right", no_wrap=True)
    for name in ("subject", *others, "scan"):
        table.add_column(name, overflow="fold")
    for hit in hits:
        values = (str(hit.row.get(name, "")) for name in ("subject", *others, "scan"))
        chance = [hit.chance] if odds else []
        table.add_row(str(hit.rank), f"{hit.similarity:.4f}", *chance, *values)
    console().print(table)
