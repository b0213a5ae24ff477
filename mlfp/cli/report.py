"""``mlfp report``: show finished comparisons."""

from __future__ import annotations

from pathlib import Path

import click

from mlfp.cli.output import console, json_option, print_json


@click.command()
@click.argument("folders", metavar="DIR...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--sort", "rank_by", metavar="METRIC", help="Rank by this metric, as in retrieval.hit_at_1.")
@click.option(
    "--format", "form", type=click.Choice(["table", "md", "csv", "latex", "json"]), default="table", show_default=True
)
@click.option("--redact", is_flag=True, help="In report-redacted.html, leave out pictures and ids.")
@json_option
def report(folders: tuple[Path, ...], rank_by: str | None, form: str, redact: bool, as_json: bool) -> None:
    """Show the results of finished comparisons, as `mlfp bench` left them in each DIR.

    Each DIR gets its report.html anew: one file with everything in it, to open in a browser or to send.
    """
    from mlfp import api
    from mlfp.report import export, markdown
    from mlfp.report.table import print_result

    writers = {"md": markdown.render, "csv": export.to_csv, "latex": export.to_latex}
    results = [api.report(folder, rank_by=rank_by) for folder in folders]
    for folder in folders:
        click.echo(f"Report: {api.page(folder, rank_by=rank_by, redact=redact)}", err=True)
    if as_json or form == "json":
        print_json([{**result.to_json(), "folder": str(result.folder)} for result in results])
        return
    for result in results:
        if form in writers:
            click.echo(writers[form](result), nl=False)
        else:
            print_result(result, console())
