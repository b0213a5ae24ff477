"""``mlfp search``: the scans most like one scan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlfp.cli.output import json_option, print_json

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
@json_option
def search(store: Path, scan: str, k: int, not_same: bool, index: str, as_json: bool) -> None:
    """Find the scans of STORE most like SCAN (an id in it, or a file).

    A file is embedded with the model that the store keeps.
    """
    from mlfp import api

    hits = api.search(store, scan, k=k, not_same=not_same, index=index)
    if as_json:
        print_json([{"rank": hit.rank, "similarity": hit.similarity, **hit.row} for hit in hits])
    else:
        _print(hits)


def _print(hits: list[Hit]) -> None:
    from rich.table import Table

    from mlfp.cli.output import console

    others = [name for name in SHOWN if any(hit.row.get(name) for hit in hits)]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("rank", justify="right", no_wrap=True)
    table.add_column("similarity", justify="right", no_wrap=True)
    for name in ("subject", *others, "scan"):
        table.add_column(name, overflow="fold")
    for hit in hits:
        values = (str(hit.row.get(name, "")) for name in ("subject", *others, "scan"))
        table.add_row(str(hit.rank), f"{hit.similarity:.4f}", *values)
    console().print(table)
