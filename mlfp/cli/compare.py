"""``mlfp compare``: whether one is better than the other."""

from __future__ import annotations

import click

from mlfp.cli.output import console, json_option, print_json


@click.command(
    epilog="mlfp compare results/old results/new · mlfp compare results/losses:triplet results/losses:infonce"
)
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option(
    "--metric", "metrics", metavar="METRIC", multiple=True,
    help="As in retrieval.hit_at_1, or a pattern; repeatable. A's ranked metric unless given.",
)  # fmt: skip
@click.option("--level", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.05, show_default=True,
              help="The chance of any false alarm by a metric.")  # fmt: skip
@json_option
def compare(first: str, second: str, metrics: tuple[str, ...], level: float, as_json: bool) -> None:
    """Test whether two finished comparisons, or two methods, differ on the queries that they share.

    A and B are folders that `mlfp bench` left, or `DIR:METHOD` for one method of it. Two folders are compared method
    by method. A positive difference means that A's value is higher.
    """
    from mlfp import api
    from mlfp.report.differences import print_duel

    found = api.compare(first, second, metrics=metrics, level=level)
    if as_json:
        print_json(found.to_json())
    else:
        print_duel(found, console())
