"""Components and whether they keep their contracts: what ``mlfp plugins check`` runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlfp import parameters, plugins
from mlfp.cli.explained import PROVIDED, SUPPLIED, find
from mlfp.errors import ComponentImportError, MlfpError
from mlfp.registry import Component
from mlfp.testing import ContractError, check_component


@dataclass(frozen=True)
class Verdict:
    """What became of one component.

    :param outcome: ``kept``, ``broken``, or ``untried``.
    :param reason: why it is broken or was not tried.
    """

    kind: str
    id: str
    outcome: str
    reason: str = ""


def chosen(name: str | None, kind: str | None) -> Sequence[Component]:
    """The components of a plugin, the one of an id, or all.

    :raises UsageError: the name is neither a plugin's nor a component's.
    """
    found = plugins.host()
    everything = found.registry.components(kind)
    if name is None:
        return everything
    if name in {plugin.name for plugin in found.plugins if plugin.status == "active"}:
        return [item for item in everything if item.plugin == name]
    return [find(name, kind)]


def verdicts(components: Sequence[Component], given: Mapping[str, Any]) -> Iterator[Verdict]:
    """Try each component, one after the other.

    :param given: values for parameters that have no default.
    """
    for component in components:
        outcome, reason = _tried(component, given)
        yield Verdict(component.kind, component.id, outcome, reason)


def _tried(component: Component, given: Mapping[str, Any]) -> tuple[str, str]:
    try:
        known, _ = parameters.parameters_of(component.load())
        missing = [
            item.name
            for item in known.values()
            if item.required and item.name not in PROVIDED and item.name not in SUPPLIED and item.name not in given
        ]
        if missing:
            return "untried", f"give it {', '.join(f'--set {name}=...' for name in missing)}"
        check_component(plugins.registry(), component, {name: given[name] for name in given if name in known})
    except ComponentImportError as error:
        return "broken", str(error)
    except (ContractError, MlfpError) as error:
        return "broken", str(error)
    return "kept", ""
