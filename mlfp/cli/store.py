"""``mlfp store``: what is in a store, changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mlfp.cli.app import Manner
from mlfp.cli.embed import print_embedded
from mlfp.cli.options import assignments
from mlfp.cli.output import json_option, print_json
from mlfp.cli.progress import telling
from mlfp.wording import counted

_store = click.argument("store", type=click.Path(path_type=Path))


def _chosen_option(function: Any) -> Any:
    text = "Those of which this holds: subject=007; repeatable, all must hold."
    return click.option("--where", "where", metavar="COLUMN=VALUE", multiple=True, help=text)(function)


@click.group()
def store() -> None:
    """Add scans to a store, remove or purge them."""


@store.command()
@_store
@click.argument("data")
@json_option
@click.pass_context
def add(ctx: click.Context, store: Path, data: str, as_json: bool) -> None:
    """Embed the scans of DATA that are not in STORE yet, with the store's own model."""
    from mlfp import api

    with telling(ctx.find_object(Manner) or Manner()) as teller:
        embedded = api.store_add(store, data, progress=teller.progress, announce=teller.announce)
    print_embedded(ctx, embedded, as_json=as_json)


@store.command()
@_store
@click.argument("scans", nargs=-1)
@_chosen_option
@json_option
def remove(store: Path, scans: tuple[str, ...], where: tuple[str, ...], as_json: bool) -> None:
    """Take SCANS (ids), or those of which --where holds, out of STORE."""
    _take_out(store, scans, where, purge=False, as_json=as_json)


@store.command()
@_store
@click.argument("scans", nargs=-1)
@_chosen_option
@json_option
def purge(store: Path, scans: tuple[str, ...], where: tuple[str, ...], as_json: bool) -> None:
    """Take SCANS out of STORE, and delete what the cache holds of them.

    For people who withdraw their consent. The scans' own files are left alone, and models trained on them do not
    change.
    """
    _take_out(store, scans, where, purge=True, as_json=as_json)


def _take_out(store: Path, scans: tuple[str, ...], where: tuple[str, ...], *, purge: bool, as_json: bool) -> None:
    from mlfp import api

    removed = api.store_remove(store, scans=scans, where=assignments(where, "--where"), purge=purge)
    if as_json:
        print_json({"scans": list(removed.scans), "files": removed.files, "pairs": removed.pairs})
        return
    click.echo(f"{counted(len(removed.scans), 'scan was', 'scans were')} taken out of {store}")
    if purge:
        click.echo(f"{removed.files} prepared copies and {removed.pairs} figures of pairs were deleted from the cache.")
