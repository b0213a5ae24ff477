"""``mlfp prepare``: scans in one space, as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlfp.cli.app import PARTIAL, Manner
from mlfp.cli.options import out_option
from mlfp.cli.output import json_option, print_json
from mlfp.cli.progress import telling
from mlfp.wording import counted

if TYPE_CHECKING:
    from mlfp.preparing.run import Outcome

#: How many of the worst-registered scans are named.
_WORST = 3


def _shard(ctx: click.Context, param: click.Parameter, text: str) -> tuple[int, int]:
    """``i/n`` as two numbers.

    :raises click.BadParameter: it is none.
    """
    first, _, of = text.partition("/")
    if not (first.isdigit() and of.isdigit() and 1 <= int(first) <= int(of)):
        raise click.BadParameter(f"a shard is i/n, from 1/n to n/n, as in 2/8; got {text!r}", ctx, param)
    return int(first), int(of)


@click.command()
@click.argument("data")
@out_option("Folder of the results.", required=True)
@click.option(
    "--register", type=click.Choice(["affine", "rigid", "none"]), default="affine", show_default=True,
    help="To the template, by ANTs.",
)  # fmt: skip
@click.option("--template", metavar="FILE", default="mni152", show_default=True, help="Another template, as NIfTI.")
@click.option("--spacing", type=float, default=1.0, show_default=True, help="Voxel size in mm.")
@click.option("--mask", metavar="COLUMN", help="Brain masks: a column of DATA, or a path such as 'm/{subject}.nii.gz'.")
@click.option("--strip", metavar="COMMAND", help="Find brains: hd-bet, synthstrip, bet, or 'TOOL {input} {output}'.")
@click.option(
    "--outliers", type=click.Choice(["two-sided", "high", "zero", "none"]), default="two-sided", show_default=True,
    help="Clip both tails, clip the upper one, or set both to 0.",
)  # fmt: skip
@click.option("--outlier-share", type=float, default=0.05, show_default=True, help="How many voxels are outliers.")
@click.option(
    "--within", type=click.Choice(["mask", "all"]), default="mask", show_default=True,
    help="Where outliers and z-score look; the mask is found by intensities unless given.",
)  # fmt: skip
@click.option("--intensity", type=click.Choice(["zscore", "none"]), default="zscore", show_default=True)
@click.option(
    "--slice", "slice_", type=click.Choice(["none", "axial", "coronal", "sagittal"]), default="none",
    show_default=True, help="Keep slices instead of volumes.",
)  # fmt: skip
@click.option(
    "--position", type=click.Choice(["template", "brain"]), default="template", show_default=True,
    help="Whose middle slice.",
)  # fmt: skip
@click.option("--slices", type=click.IntRange(min=1), default=1, show_default=True, help="How many, around it.")
@click.option("--step", type=click.IntRange(min=1), default=1, show_default=True, help="Voxels between slices.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the voxels that registration samples.")
@click.option(
    "--shard", metavar="I/N", callback=_shard, default="1/1", show_default=True,
    help="Every n-th scan from the i-th alone.",
)  # fmt: skip
@click.option("--workers", type=click.IntRange(min=1), help="Processes; by how much there is to do unless given.")
@click.option("--sheet", type=click.IntRange(min=0), default=24, show_default=True, help="Scans on the contact sheet.")
@json_option
@click.pass_context
def prepare(ctx: click.Context, /, data: str, out: Path, slice_: str, as_json: bool, **settings: Any) -> None:
    """Register the scans of DATA (a manifest, a folder, or dataset:path), remove outliers, normalise, and slice.

    Writes BIDS derivatives, scans.csv (for `mlfp bench --data`), failures.csv and sheet.png into DIR. Run again, it
    goes on where it was, and tries again what failed. Exits with 3 if some scans failed.
    """
    from mlfp import api

    manner = ctx.find_object(Manner) or Manner()
    with telling(manner) as teller:
        outcome = api.prepare(
            data, out=out, slice=slice_, progress=teller.progress, announce=teller.announce, **settings
        )
    _print(outcome, out, drawn=bool(settings["sheet"]), as_json=as_json)
    if outcome.failures:
        ctx.exit(PARTIAL)


def _print(outcome: Outcome, out: Path, *, drawn: bool, as_json: bool) -> None:
    failures = [{"scan": item.scan, "reason": item.reason} for item in outcome.failures]
    worst = _worst(outcome)
    if as_json:
        told = {"manifest": str(outcome.manifest), "scans": len(outcome.table), "made": outcome.made}
        print_json({**told, "kept": outcome.kept, "failures": failures, "worst_fit": worst})
        return
    before = f", {outcome.kept} were there before" if outcome.kept else ""
    click.echo(f"{counted(outcome.made, 'scan')} prepared{before}, {len(failures)} failed.")
    if failures:
        click.echo(f"Why they failed: {out / 'failures.csv'}")
    if worst:
        click.echo("Look first at those that fit the template worst, for their modality: " + ", ".join(worst))
    if drawn:
        click.echo(f"Contact sheet: {out / 'sheet.png'}")
    click.echo(f"Manifest: {outcome.manifest}")


def _worst(outcome: Outcome) -> list[str]:
    from mlfp.preparing.sheet import worst

    return [str(outcome.table.scans[place]) for place in worst(outcome.table)]
