"""A component in full: what ``mlfp plugins info`` prints."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import click

from mlfp import parameters
from mlfp.cli.output import width
from mlfp.errors import UnknownComponentError, UsageError, nearest
from mlfp.hookspecs import KINDS, OWN
from mlfp.plugins import registry
from mlfp.registry import Component
from mlfp.training.settings import EMBEDDING_DIM

#: What the engine gives a component by itself, so that no configuration says it.
PROVIDED = frozenset({"in_channels", "spatial_dims", "num_classes", "embedding_size"})
#: What the engine gives unless the configuration does.
SUPPLIED = {"embedding_dim": str(EMBEDDING_DIM)}
_DOCUMENTED = re.compile(r":param (\w+):\s*(.*?)(?=\n\s*:\w|\n\s*\n|\Z)", re.DOTALL)


def find(name: str, kind: str | None) -> Component:
    """The component of a name, whatever its kind.

    :raises UsageError: none has the name, or several kinds have it.
    """
    if kind is not None:
        return registry().find(kind, name)
    found = [component for each in KINDS if (component := _of_kind(each, name)) is not None]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(
            f"{name!r} names {len(found)} components", hints=[f"--kind {item.kind}: {item.id}" for item in found]
        )
    known = [text for item in registry().components() for text in (item.id, item.name)]
    raise UsageError(f"no component {name!r}", hints=[*nearest(name, known), "See all: mlfp plugins list"])


def _of_kind(kind: str, name: str) -> Component | None:
    try:
        component = registry().find(kind, name)
        if ":" in name:
            component.load()  # a library says only now whether it has such a class
    except UnknownComponentError:
        return None
    return component


def explain(component: Component) -> None:
    """Print it."""
    target = component.load()
    click.secho(f"{component.kind} {component.id}", bold=True)
    click.echo(component.summary)
    click.echo()
    owner = f"{component.distribution} {component.distribution_version}"
    facts = {
        "source": f"{component.plugin}'s own" if component.paper == OWN else component.paper,
        "works in": " and ".join(f"{dim}D" for dim in component.dims),
        "made for": ", ".join(component.domains),
        "also called": ", ".join(component.aliases),
        "needs": ", ".join(f"{component.distribution}[{extra}]" for extra in component.extras),
        "from": f"{owner}; version {component.version} of its numbers",
        "code": component.target,
    }
    for name, fact in facts.items():
        if fact:
            click.echo(f"{name:12}{fact}")
    _print_parameters(target)
    click.echo()
    click.echo(f"In a configuration: {{use: {component.name if component.plugin == 'mlfp' else component.id}}}")


def _print_parameters(target: Callable[..., Any]) -> None:
    known, open_ended = parameters.parameters_of(target)
    shown = [item for item in known.values() if item.name not in PROVIDED]
    click.echo()
    if not shown:
        click.echo("It takes any parameter." if open_ended else "It takes no parameters.")
        return
    click.secho("Parameters", bold=True)
    texts = documented(target)
    for item in shown:
        kind = "" if item.annotation is Any else f"  {type_name(item.annotation)}"
        default = "required" if item.required else repr(item.default)
        given = SUPPLIED.get(item.name, default) if item.required else default
        click.echo(f"  {click.style(item.name, bold=True)}: {given}{kind}")
        if item.name in texts:
            click.echo(click.wrap_text(texts[item.name].replace("`", ""), width(), "      ", "      "))


def type_name(annotation: Any) -> str:
    """As one would write it, without the modules of standard types."""
    return re.sub(r"\b(typing|collections\.abc|pathlib|mlfp[\w.]*)\.", "", inspect.formatannotation(annotation))


def documented(target: Callable[..., Any]) -> dict[str, str]:
    """What the docstring says of each parameter (``:param name: ...``)."""
    text = inspect.getdoc(target) or ""
    if inspect.isclass(target):
        text += "\n\n" + (inspect.getdoc(target.__init__) or "")
    return {name: " ".join(meaning.replace("``", "`").split()) for name, meaning in _DOCUMENTED.findall(text)}
