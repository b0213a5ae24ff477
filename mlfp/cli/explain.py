"""``mlfp explain``: where a fingerprint looks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlfp.cli.app import Manner
from mlfp.cli.options import out_option
from mlfp.cli.output import json_option, print_json
from mlfp.cli.progress import telling

if TYPE_CHECKING:
    from mlfp.explain.scans import Explained, Explanation


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("scans", metavar="SCAN...", nargs=-1, required=True)
@out_option("Folder of the pictures and maps.", required=True)
@click.option("--scan", "wanted", metavar="ID", multiple=True, help="A scan of a data set given as SCAN; repeatable.")
@click.option(
    "--subjects", type=click.IntRange(min=0), default=0, show_default=True,
    help="Of a data set given as SCAN, all scans of its first so many people: are maps of one person alike?",
)  # fmt: skip
@click.option(
    "--method", type=click.Choice(["occlusion", "integrated-gradients", "grad-cam", "hires-cam"]),
    help="occlusion covers the scan, piece by piece; integrated-gradients credits every voxel; grad-cam "
    "(DeepBrainPrint's) and hires-cam, which keeps places apart, read a layer. occlusion unless given, grad-cam with "
    "one of the next four options.",
)  # fmt: skip
@click.option("--layer", metavar="NAME", help="Whose map is explained; the last convolution unless given.")
@click.option(
    "--baseline", type=click.Choice(["none", "air"]), default="none", show_default=True,
    help="air: explain what differs from the air around, where layers are rarely 0; of integrated-gradients the "
    "way's beginning, otherwise the scan blurred.",
)  # fmt: skip
@click.option("--fast", is_flag=True, help="One backward pass, of the elements' mean, in place of one an element.")
@click.option("--elements", type=click.IntRange(min=0), default=0, show_default=True, help="Draw so many one by one.")
@click.option(
    "--within", type=click.Choice(["image", "head"]), default="image", show_default=True,
    help="head: leave the air out of what is drawn; the share inside is told of the whole map.",
)  # fmt: skip
@click.option("--untrained", "compare_untrained", is_flag=True, help="Compare with the network before its training.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, mps.")
@json_option
@click.pass_obj
def explain(manner: Manner, /, model: Path, scans: tuple[str, ...], out: Path, as_json: bool, **options: Any) -> None:
    """Show which voxels of each SCAN (a file, or a data set with --scan) the fingerprint of MODEL looks at.

    Writes SCAN.png, and SCAN_saliency.nii.gz (0 to 1) on the grid of SCAN_image.nii.gz, the scan as the model sees it.
    """
    from mlfp import api

    with telling(manner) as teller:
        found = api.explain(model, scans, out=out, progress=teller.progress, **options)
    if as_json:
        from mlfp.explain.scans import told

        print_json(told(found))
        return
    whole = " of the whole map" if options["within"] == "head" else ""
    for item in found.scans:
        click.echo(f"{item.picture}: {_inside([item])}{whole}")
    if len(found.scans) > 1:
        click.echo(f"All {len(found.scans)} scans: {_inside(found.scans)}{whole}")
    for line in _likeness(found):
        click.echo(line)
    click.echo(f"Layer: {found.scans[0].layer}")


def _inside(scans: Sequence[Explained]) -> str:
    share, even = (sum(getattr(item, name) for item in scans) / len(scans) for name in ("inside", "inside_even"))
    return f"{share:.0%} inside the head or body (an even map: {even:.0%})"


def _likeness(found: Explanation) -> Iterator[str]:
    """What the maps have in common with one another and with others."""
    if not math.isnan(found.same):
        yield f"Maps of two scans of one subject correlate {found.same:.2f} with one another, inside both heads."
    if not math.isnan(found.different):
        yield f"Maps of different subjects correlate {found.different:.2f}."
    random = [item.untrained for item in found.scans if not math.isnan(item.untrained)]
    if random:
        yield f"Maps of the network before its training correlate {sum(random) / len(random):.2f} with them."
    accounted = [item.accounted for item in found.scans if not math.isnan(item.accounted)]
    if accounted:
        yield f"The voxels' credits add up to {sum(accounted) / len(accounted):.1%} of what they should."
    if found.scans[0].fast_agreement < 1:
        yield f"The fast map would correlate {found.scans[0].fast_agreement:.2f} with that of the first scan."
