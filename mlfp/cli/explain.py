"""``mlfp explain``: where a fingerprint looks."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from mlfp.cli.app import Manner
from mlfp.cli.options import out_option
from mlfp.cli.output import json_option, print_json
from mlfp.cli.progress import telling


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("scans", metavar="SCAN...", nargs=-1, required=True)
@out_option("Folder of the pictures and maps.", required=True)
@click.option("--scan", "wanted", metavar="ID", multiple=True, help="A scan of a data set given as SCAN; repeatable.")
@click.option("--layer", metavar="NAME", help="Whose map is explained; the last convolution unless given.")
@click.option(
    "--method", type=click.Choice(["grad-cam", "hires-cam", "occlusion"]), default="grad-cam", show_default=True,
    help="hires-cam keeps places apart, for encoders that flatten their last map; occlusion covers the scan instead.",
)  # fmt: skip
@click.option(
    "--baseline", type=click.Choice(["none", "air"]), default="none", show_default=True,
    help="air: explain what differs from the air around, where encoders are rarely 0.",
)  # fmt: skip
@click.option(
    "--within", type=click.Choice(["image", "head"]), default="image", show_default=True,
    help="head: leave the air out of what is drawn and compared; the share inside is told of the whole map.",
)  # fmt: skip
@click.option("--fast", is_flag=True, help="One backward pass, of the elements' mean, in place of one an element.")
@click.option("--elements", type=click.IntRange(min=0), default=0, show_default=True, help="Draw so many one by one.")
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
        told = [{key: str(value) if isinstance(value, Path) else value for key, value in asdict(item).items()}
                for item in found.scans]  # fmt: skip
        print_json({"alike": found.alike, "scans": told})
        return
    whole = " of the whole map" if options["within"] == "head" else ""
    for item in found.scans:
        inside = f"{item.inside:.0%} inside the head or body (which is {item.inside_even:.0%} of the image){whole}"
        click.echo(f"{item.picture}: {inside}")
    if not options["fast"] and options["method"] != "occlusion":
        click.echo(f"The fast map would correlate {found.scans[0].fast_agreement:.2f} with that of the first scan.")
    if not math.isnan(found.alike):
        click.echo(f"Maps of different scans correlate {found.alike:.2f} with one another.")
    click.echo(f"Layer: {found.scans[0].layer}")
