"""``mlfp leaks``: the same subject in two data sets, or in train and test."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlfp.cli.app import Manner
from mlfp.cli.options import out_option
from mlfp.cli.output import json_option, print_json
from mlfp.cli.progress import telling
from mlfp.errors import GateError
from mlfp.wording import counted

if TYPE_CHECKING:
    from mlfp.leaks.result import Leaks

#: Where ``--redact`` finds its key.
KEY = "MLFP_REDACT_KEY"
_TOLD = {
    "exact-file": "the same file",
    "identical-voxels": "the same pixels in different files",
    "near-duplicate": "nearly the same pixels",
    "same-session": "one session under different ids",
    "same-subject": "one subject under different ids",
    "same-id": "one subject id on two sides of a split",
    "different-people": "one id on scans that look like different people",
}


@click.command()
@click.argument("data", nargs=-1, required=True)
@out_option("Folder of the results.", required=True)
@click.option("--model", metavar="DIR|NAME",
              help="Embeds DATA that are no stores; if not given: the stores' own, or brain-v1.")  # fmt: skip
@click.option("--calibration", metavar="DIR|FILE", help="Model, store or JSON whose calibration to use.")
@click.option(
    "--p-same", type=click.FloatRange(0, 1), default=0.5, show_default=True, help="Report pairs from here on."
)
@click.option("--fmr", type=click.FloatRange(0, 1, min_open=True), help="Or at this rate of false matches.")
@click.option("--verify", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True,
              help="Lay candidates over each other: the likely ones, all, none.")  # fmt: skip
@click.option("--most-verified", type=click.IntRange(min=0), default=1000, show_default=True,
              help="Of the likely ones, at most; each takes seconds on a core.")  # fmt: skip
@click.option(
    "-k", type=click.IntRange(min=1), default=10, show_default=True, help="Neighbours of each scan to look at."
)
@click.option("--index", default="auto", show_default=True, help="Component that finds neighbours.")
@click.option("--shared-ids", is_flag=True, help="One subject id means one person in all DATA.")
@click.option("--policy", type=click.Choice(["move", "drop"]), default="move", show_default=True,
              help="What becomes of scans on the wrong side of a split.")  # fmt: skip
@click.option(
    "--priority", default="train,val,test", show_default=True, help="Sides in the order they claim a subject."
)
@click.option(
    "--redact", is_flag=True, help=f"Ids as keyed hashes, no pictures; key in ${KEY}, or drawn and forgotten."
)
@click.option("--fail-on", type=click.Choice(["pairs", "clusters", "conflicts"]), multiple=True,
              help="Exit with 4 if pairs (clusters) cross data sets or splits, or ids conflict.")  # fmt: skip
@click.option("--workers", type=click.IntRange(min=1), help="Processes that verify.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, mps.")
@json_option
@click.pass_context
def leaks(
    ctx: click.Context, /, data: tuple[str, ...], out: Path, redact: bool, fail_on: tuple[str, ...], as_json: bool,
    priority: str, **options: Any,
) -> None:  # fmt: skip
    """Find scans of one subject under different ids, within and across DATA and their splits; and the converse.

    DATA are stores, or manifests, folders and dataset:path, which are embedded first (and only once). Nothing found is
    proof: it is a probability, and report.html shows the scans.
    """
    from mlfp import api

    with telling(ctx.find_object(Manner) or Manner()) as teller:
        found = api.leaks(
            *data, out=out, redact=redact and (os.environ.get(KEY) or True), progress=teller.progress,
            announce=teller.announce, priority=tuple(priority.split(",")), **options,
        )  # fmt: skip
    print_json(found.summary) if as_json else _print(found, out)
    _gate(found, fail_on)


def _print(found: Leaks, out: Path) -> None:
    told = found.summary
    sets = ", ".join(f"{name} ({count})" for name, count in told["datasets"].items())
    click.echo(f"{counted(told['scans'], 'scan')} under {counted(told['subjects'], 'subject id')}: {sets}")
    for kind, count in told["pairs"].items():
        if count:
            click.echo(f"  {count:6}  {_TOLD[kind]}")
    if not any(told["pairs"].values()):
        click.echo("  no pair was found")
    for title in ("datasets", "splits"):
        for names, count in told[f"pairs_across_{title}"].items():
            click.echo(f"  {count:6}  of them across {names}")
    if told["conflicts"]:
        click.echo(f"  {told['conflicts']:6}  scans that do not look like the others under their id: conflicts.csv")
    expected, review = told["expected_false_pairs"], int((found.pairs["review"] != "").sum())
    click.echo(
        f"Expected false among them: {expected:.1f} pairs. {counted(review, 'needs', 'need')} review. "
        f"{counted(told['verified'], 'was', 'were')} verified."
    )
    if told["search"]["recall"] < 1:
        click.echo(
            f"Neighbours came from {told['search']['index']}, which finds {told['search']['recall']:.1%} of them."
        )
    click.echo(f"Report: {out / 'report.html'}")


def _gate(found: Leaks, fail_on: tuple[str, ...]) -> None:
    """Complain if something is there that must not be.

    :raises GateError: it is.
    """
    told = found.summary
    crossing = sum(told["pairs_across_splits"].values()) or sum(told["pairs_across_datasets"].values())
    reasons = {
        "pairs": crossing and f"{counted(crossing, 'pair lies', 'pairs lie')} across splits or data sets",
        "clusters": told["clusters_across"] and f"{told['clusters_across']} clusters lie across splits or data sets",
        "conflicts": told["conflicts"]
        and f"{counted(told['conflicts'], 'scan does', 'scans do')} not look like the others under their id",
    }
    for gate in fail_on:
        if reasons[gate]:
            raise GateError(f"--fail-on {gate}: {reasons[gate]}")
