"""How results reach stdout."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

    from mlfp.registry import Component
    from mlfp.types.estimate import Estimate

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")


def print_json(value: Any) -> None:
    """Print a value as JSON; not-a-number becomes null."""
    from mlfp.bench.records import to_json

    click.echo(to_json(value))


def console() -> Console:
    """Stdout as rich sees it: as wide as the terminal, without colour where NO_COLOR or a pipe says so."""
    from rich.console import Console

    return Console(highlight=False)


def print_components(components: Sequence[Component]) -> None:
    """Print what is registered, by kind."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("kind", no_wrap=True)
    table.add_column("id", no_wrap=True)
    table.add_column("dims", no_wrap=True)
    table.add_column("what it is", overflow="fold")
    last = ""
    for item in components:
        dims = " ".join(f"{dim}D" for dim in item.dims)
        table.add_row("" if item.kind == last else item.kind, item.id, dims, item.summary)
        last = item.kind
    console().print(table)


def width() -> int:
    """Columns to wrap prose at: the terminal's, and no more than are pleasant to read."""
    return min(shutil.get_terminal_size().columns, 100)


def plain(measured: Mapping[str, Mapping[str, Estimate]]) -> dict[str, dict[str, Any]]:
    """Estimates for JSON."""
    return {
        evaluation: {name: estimate.to_json() for name, estimate in estimates.items()}
        for evaluation, estimates in measured.items()
    }


def print_measured(measured: Mapping[str, Mapping[str, Estimate]]) -> None:
    """Print metrics with their intervals, one evaluation after the other."""
    from rich.table import Table

    from mlfp.report import cells
    from mlfp.types.measured import Measured

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("metric", overflow="fold")
    for title in ("value", "95 % interval", "n"):
        table.add_column(title, justify="right", no_wrap=True)
    for evaluation, estimates in measured.items():
        for name, estimate in estimates.items():
            table.add_row(f"{evaluation}.{name}", cells.value(estimate), cells.interval(estimate), str(estimate.n))
    console().print(table)
    for evaluation, estimates in measured.items():
        for note in Measured.of(estimates).notes:
            click.echo(f"Not measured: {evaluation}: {note}", err=True)
