"""``mlfp data``: data sets before any method sees them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from mlfp.cli.app import PARTIAL, Manner
from mlfp.cli.options import assignments, out_option, parameter_option
from mlfp.cli.output import json_option, print_components, print_json
from mlfp.cli.progress import Teller, telling
from mlfp.wording import counted

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def data() -> None:
    """List, inspect, make and split data sets."""


@data.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the data sets that can be named in a configuration, or as dataset:path."""
    from dataclasses import asdict

    from mlfp.plugins import registry

    components = registry().components("dataset")
    if as_json:
        print_json([{"id": item.id, **asdict(item)} for item in components])
    else:
        print_components(components)


@data.command()
@click.argument("data", metavar="DATA")
@parameter_option("Any parameter of the data set: split=packhaeuser; repeatable.")
@click.option("--html", metavar="FILE", type=_FILE, help="Write it as one page, with small pictures of some scans.")
@click.option("--write", metavar="FILE", type=_FILE, help="Write the comparison it suggests, for mlfp bench.")
@click.option("--no-pixels", is_flag=True, help="Look at the table alone: read no scan.")
@click.option("--sheet", metavar="PNG", type=_FILE, help="Draw some scans.")
@click.option(
    "--config", type=click.Path(path_type=Path), help="With --sheet: draw them as this comparison preprocesses them."
)
@json_option
@click.pass_context
def inspect(
    ctx: click.Context,
    data: str,
    parameters: tuple[str, ...],
    html: Path | None,
    write: Path | None,
    no_pixels: bool,
    sheet: Path | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Look at DATA (a manifest, a folder, or dataset:path) before a comparison does.

    Shows subjects, sessions and the time between them, modalities, shapes and voxel sizes, scans that are the same,
    what is odd about the files, and every scan that cannot be read; exits with 3 if there is one.
    """
    from mlfp import api
    from mlfp.cli.inspected import lines
    from mlfp.cli.options import yaml_values

    given = yaml_values(assignments(parameters))
    manner = ctx.find_object(Manner) or Manner()
    with telling(manner) as teller:
        found = api.inspect(
            data, parameters=given, html=html, write=write, read=not no_pixels, progress=teller.progress,
            announce=teller.announce,
        )  # fmt: skip
        for file in (html, write):
            if file is not None:
                teller.announce(f"wrote {file}")
        if sheet is not None:
            _draw(data, given, config, sheet, teller)
    if as_json:
        print_json(found.to_json())
    else:
        click.echo("\n".join(lines(found)))
        if write is not None:
            click.echo(f"\nSuggested comparison: mlfp bench {write}")
    if found.failures:
        ctx.exit(PARTIAL)


def _draw(data: str, given: Mapping[str, Any], config: Path | None, sheet: Path, teller: Teller) -> None:
    """Write a contact sheet of some scans, after the chain of a comparison if one is given."""
    from mlfp.bench import engine
    from mlfp.data.chain import Chain
    from mlfp.data.locate import located
    from mlfp.data.sheet import sheet_of
    from mlfp.plugins import registry

    dataset = registry().build("dataset", located(data, given))
    steps = () if config is None else engine.read(config, data=None, overrides={}, smoke=False).preprocess
    drawn = sheet_of(dataset, dataset.table(), Chain(steps), progress=teller.progress)
    sheet.parent.mkdir(parents=True, exist_ok=True)
    drawn.save(sheet)
    teller.announce(f"wrote {sheet}")


@data.command()
@out_option("Folder to write volumes/ and scans.csv into.", required=True)
@click.option("--subjects", type=click.IntRange(min=1), default=20, show_default=True, help="Number of people.")
@click.option("--sessions", type=click.IntRange(min=1), default=3, show_default=True, help="Scans of each, over years.")
@click.option("--level", default="medium", show_default=True, help="easy, medium or hard: how alike people look.")
@click.option("--modality", "modalities", multiple=True, default=("T1",), show_default=True, help="Repeatable.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the whole population.")
@parameter_option("Any other parameter of the phantom: mode=twin; repeatable.")
@click.pass_obj
def synth(
    manner: Manner,
    out: Path,
    subjects: int,
    sessions: int,
    level: str,
    modalities: tuple[str, ...],
    seed: int,
    parameters: tuple[str, ...],
) -> None:
    """Make synthetic brain scans: NIfTI files and a manifest, to try mlfp or your own code on."""
    from mlfp.cli.options import yaml_values
    from mlfp.data.write import write_scans
    from mlfp.plugins import registry
    from mlfp.types.spec import Spec

    given = {"subjects": subjects, "sessions": sessions, "level": level, "modalities": list(modalities), "seed": seed}
    spec = Spec("phantom", {**given, **yaml_values(assignments(parameters))})
    with telling(manner) as teller:
        manifest = write_scans(registry().build("dataset", spec), out, progress=teller.progress)
    click.echo(f"Manifest: {manifest}")


@data.command()
@click.argument("data", metavar="DATA")
@click.option(
    "-o", "--out", metavar="FILE", required=True, type=click.Path(path_type=Path, dir_okay=False), help="CSV to write."
)
@click.option("--by", default="subject", show_default=True, help="Column whose values stay together: group, site.")
@click.option("--val", type=float, default=0.15, show_default=True, help="Share of subjects to validate on.")
@click.option("--test", type=float, default=0.35, show_default=True, help="Share of subjects to test on.")
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed, another split.")
@json_option
@click.pass_obj
def split(manner: Manner, data: str, out: Path, by: str, val: float, test: float, seed: int, as_json: bool) -> None:
    """Split DATA by subject, and write it as a manifest with a column `split`.

    No subject ever stands on two sides. Use the result with `split: {column: split}`.
    """
    from mlfp.data.locate import locate
    from mlfp.data.splits import split_subjects
    from mlfp.data.write import write_manifest
    from mlfp.plugins import registry
    from mlfp.types.scan_table import ScanTable

    with telling(manner) as teller:
        table = registry().build("dataset", locate(data, teller.announce)).table()
    found = split_subjects(table, by=by, val=val, test=test, seed=seed)
    sides = [""] * len(table)
    for side, rows in found:
        for row in rows:
            sides[row] = side
    write_manifest(ScanTable(table.frame.assign(split=sides), source=table.source), out)
    counts = {side: {"subjects": len(set(table.subjects[rows])), "scans": len(rows)} for side, rows in found}
    if as_json:
        print_json({"manifest": str(out), "digest": found.digest, **counts})
        return
    for side, count in counts.items():
        click.echo(f"{side:5} {counted(count['subjects'], 'subject')}, {counted(count['scans'], 'scan')}")
    click.echo(f"Manifest: {out}")
