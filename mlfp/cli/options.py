"""Options that several commands share, and how their texts are read."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

Decorator = Callable[[Any], Any]

data_option = click.option(
    "--data", metavar="DATA", help="A manifest, a folder, or dataset:path, in place of CONFIG's."
)
set_option = click.option(
    "--set", "overrides", metavar="KEY=VALUE", multiple=True, help="Change CONFIG: base.train.epochs=5; repeatable."
)
smoke_option = click.option("--smoke", is_flag=True, help="A few steps on a few subjects: does it run at all?")


def out_option(text: str, *, required: bool = False) -> Decorator:
    """``-o DIR``."""
    kind = click.Path(path_type=Path, file_okay=False)
    return click.option("-o", "--out", metavar="DIR", type=kind, required=required, help=text)


def parameter_option(text: str) -> Decorator:
    """``--set KEY=VALUE`` for a component's parameters."""
    return click.option("--set", "parameters", metavar="KEY=VALUE", multiple=True, help=text)


def assignments(texts: Sequence[str], option: str = "--set") -> dict[str, str]:
    """``KEY=VALUE`` texts as a mapping.

    :raises click.UsageError: one has no ``=``.
    """
    found = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            example = "subject=007" if option == "--where" else "base.train.epochs=5"
            raise click.UsageError(f"{option} takes KEY=VALUE, as in {example}; got {text!r}")
        found[key] = value
    return found


def threshold(option: str, text: str) -> tuple[str, float]:
    """``METRIC=VALUE``.

    :raises click.UsageError: it is none.
    """
    metric, _, value = text.partition("=")
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not metric or math.isnan(number):
        raise click.UsageError(f"{option} takes METRIC=VALUE, as in retrieval.map_at_r=0.9; got {text!r}")
    return metric, number


def yaml_values(texts: Mapping[str, str]) -> dict[str, Any]:
    """Texts as the values they would be in YAML: numbers, lists, words.

    :raises click.UsageError: one is no YAML.
    """
    return {key: _yaml_value(key, text) for key, text in texts.items()}


def _yaml_value(key: str, text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        raise click.UsageError(f"--set {key}={text}: the value is not valid YAML") from None
