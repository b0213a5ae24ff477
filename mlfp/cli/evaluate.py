"""``mlfp evaluate``: measure stored fingerprints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mlfp.cli.app import Manner
from mlfp.cli.output import json_option, plain, print_json, print_measured
from mlfp.cli.progress import telling


@click.command()
@click.argument("store", type=click.Path(path_type=Path))
@click.option(
    "--evaluator",
    "evaluators",
    metavar="NAME|YAML",
    multiple=True,
    default=("retrieval",),
    show_default=True,
    help="As under `evaluate` in a configuration: few-shot, or '{use: retrieval, query: {modality: T1}}'; repeatable.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the bootstrap, and of what is drawn.")
@json_option
@click.pass_context
def evaluate(ctx: click.Context, store: Path, evaluators: tuple[str, ...], seed: int, as_json: bool) -> None:
    """Measure how well the fingerprints in STORE find their subject."""
    from mlfp import api

    asked = [_parsed(text) for text in evaluators]
    with telling(ctx.find_object(Manner) or Manner()) as teller:
        measured = api.evaluate(store, evaluators=asked, seed=seed, progress=teller.progress)
    if as_json:
        print_json(plain(measured))
    else:
        print_measured(measured)


def _parsed(text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        raise click.UsageError(f"--evaluator takes a name, or a mapping as in YAML; got {text!r}") from None
