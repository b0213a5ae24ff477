"""``mlfp plugins``: what is registered, by whom, and whether it keeps its contract."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from mlfp.cli.app import FAILED
from mlfp.cli.options import assignments, parameter_option, yaml_values
from mlfp.cli.output import json_option, print_components, print_json
from mlfp.hookspecs import KINDS

if TYPE_CHECKING:
    from mlfp.registry import Component


@click.group()
def plugins() -> None:
    """List, explain and check components and plugins."""


@plugins.command("list")
@click.argument("pattern", default="*")
@click.option("--kind", type=click.Choice(list(KINDS)), help="Only this kind of component.")
@json_option
def list_(pattern: str, kind: str | None, as_json: bool) -> None:
    """List plugins and their components; PATTERN narrows them down, as in '*resnet*'."""
    from mlfp.plugins import host

    found = host()
    components = found.registry.components(kind, pattern)
    if as_json:
        listed = [told(item) for item in components]
        print_json({"plugins": [asdict(plugin) for plugin in found.plugins], "components": listed})
        return
    for plugin in found.plugins:
        if plugin.status != "broken":  # the host has just named those on stderr, with the reason
            click.echo(f"{plugin.name} ({plugin.distribution} {plugin.version}): {plugin.status}")
    click.echo()
    print_components(components)
    click.echo(
        "\nMore about one: mlfp plugins info ID. Classes of libraries: pml:, timm:, monai: and torchvision:NAME."
    )


@plugins.command()
@click.argument("name", metavar="ID")
@click.option("--kind", type=click.Choice(list(KINDS)), help="Needed where several kinds have the name.")
@json_option
def info(name: str, kind: str | None, as_json: bool) -> None:
    """Explain a component: what it is, whose it is, and its parameters.

    With --json its parameters come as JSON schema.
    """
    from mlfp.cli.explained import explain, find

    component = find(name, kind)
    if as_json:
        print_json(describe(component))
    else:
        explain(component)


def describe(component: Component) -> dict[str, Any]:
    """Everything about a component, its parameters as JSON schema."""
    from mlfp import parameters
    from mlfp.cli.explained import PROVIDED

    schema = parameters.json_schema(component.load(), without=PROVIDED)
    return {**told(component), "parameters": schema}


def told(component: Component) -> dict[str, Any]:
    """What was said of a component when it was registered, for machines: ``dims`` are never empty."""
    return {"id": component.id, **asdict(component), "dims": component.works_in}


@plugins.command()
@click.argument("name", required=False)
@click.option("--kind", type=click.Choice(list(KINDS)), help="Only this kind of component.")
@parameter_option("A parameter without a default, for a component that needs one: path=scans; repeatable.")
@json_option
@click.pass_context
def check(ctx: click.Context, name: str | None, kind: str | None, parameters: tuple[str, ...], as_json: bool) -> None:
    """Try whether components keep the contract of their kind.

    NAME is a plugin or a component's ID; all are tried without it. Exits with 1 if one breaks its contract.
    """
    from mlfp.cli.checked import chosen, verdicts

    components = chosen(name, kind)
    given = yaml_values(assignments(parameters))
    found = []
    for verdict in verdicts(components, given):
        found.append(verdict)
        if not as_json:
            style = {"kept": "green", "broken": "red"}.get(verdict.outcome)
            reason = f": {verdict.reason}" if verdict.reason else ""
            click.echo(f"{click.style(verdict.outcome, fg=style)}  {verdict.kind} {verdict.id}{reason}")
    if as_json:
        print_json([asdict(verdict) for verdict in found])
    if any(verdict.outcome == "broken" for verdict in found):
        ctx.exit(FAILED)
