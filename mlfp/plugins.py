"""Finding plugins, loading them one by one, and keeping a broken one apart.

Environment: ``MLFP_PLUGINS`` lists the only plugins to load (empty: the built-ins alone), ``MLFP_DISABLE_PLUGINS``
those to leave out, ``MLFP_STRICT_PLUGINS=1`` makes a broken plugin an error.
"""

from __future__ import annotations

import functools
import importlib.metadata
import inspect
import multiprocessing
import os
import sys
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import EntryPoint
from typing import Any

import pluggy

from mlfp.errors import PluginError, nearest
from mlfp.hookspecs import KINDS, Hooks
from mlfp.registry import BUILT_IN, Component, Registry, check_name, folded

GROUP = "mlfp"
#: The distribution whose plugin the built-ins are: no other may take their name space.
_OWN = "mlfp"


@dataclass(frozen=True)
class Plugin:
    """An entry point of the group, and what became of it.

    :param status: ``active``, ``disabled`` or ``broken``.
    :param reason: why it is broken or disabled.
    :param seconds: what importing and registering it took.
    """

    name: str
    distribution: str
    version: str
    status: str
    reason: str = ""
    seconds: float = 0.0

    def complaint(self) -> str:
        """Who is not there, and why."""
        became = "was skipped" if self.status == "broken" else f"is {self.status}"
        return f"plugin {self.name!r} ({self.distribution} {self.version}) {became}: {self.reason}"


@dataclass
class PluginHost:
    """Loads plugins into a registry. The process has one (:func:`host`); tests make their own.

    :param only: the only plugins to load besides the built-ins; None means all.
    :param disabled: plugins to leave out.
    :param strict: raise for a broken plugin instead of keeping it apart.
    """

    only: Collection[str] | None = None
    disabled: Collection[str] = ()
    strict: bool = False
    registry: Registry = field(default_factory=Registry)
    plugins: list[Plugin] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._manager = pluggy.PluginManager("mlfp")
        self._manager.add_hookspecs(Hooks)

    def discover(self) -> None:
        """Load every entry point of the group, the built-ins first, each by itself.

        :raises PluginError: in strict mode, for the first plugin that is broken.
        """
        for point in sorted(importlib.metadata.entry_points(group=GROUP), key=_order):
            found = Plugin(point.name, *_distribution_of(point), "active")
            if self._left_out(point.name):
                self._keep_apart(replace(found, status="disabled", reason="by configuration"))
                continue
            started = time.perf_counter()
            try:
                if point.name == BUILT_IN and found.distribution != _OWN:
                    raise PluginError(f"the name {BUILT_IN!r} belongs to the built-ins")
                self.load(point.name, point.load(), found.distribution, found.version)
                self.plugins[-1] = replace(self.plugins[-1], seconds=time.perf_counter() - started)
            except (Exception, SystemExit) as error:  # whatever a plugin does when imported must not stop the others
                broken = replace(found, status="broken", reason=_reason(error))
                if self.strict:
                    raise PluginError(broken.complaint()) from error
                self._keep_apart(broken)

    def _keep_apart(self, plugin: Plugin) -> None:
        self.plugins.append(plugin)
        self.registry.absent.setdefault(folded(plugin.name), plugin.complaint())

    def _left_out(self, name: str) -> bool:
        if name == BUILT_IN:
            return False
        own = folded(name)
        return own in map(folded, self.disabled) or (self.only is not None and own not in map(folded, self.only))

    def load(self, name: str, implementation: Any, distribution: str, version: str) -> None:
        """Load one plugin: all of its components, or none.

        :param name: its name space.
        :param implementation: a module or object with hooks.
        :param distribution: what pip calls it.
        :raises PluginError: its name is malformed or taken, it speaks an unknown hook, or a registration breaks the
            rules.
        """
        check_name(name, what="the name of a plugin")
        holder = next((item for item in self.plugins if item.name == name and item.status == "active"), None)
        if holder is not None:
            raise PluginError(f"the name {name!r} is taken by {holder.distribution} {holder.version}")
        if self._manager.is_registered(implementation):
            raise PluginError(f"it is the same object as plugin {self._manager.get_name(implementation)!r}")
        _refuse_unknown_hooks(implementation)
        try:
            self._manager.register(implementation, name=name)
            self.registry.add(self._collect(name, implementation, distribution, version))
        except BaseException as error:
            if self._manager.is_registered(implementation):
                self._manager.unregister(implementation)
            if isinstance(error, pluggy.PluginValidationError):
                raise PluginError(" ".join(str(error).split())) from error
            raise
        self.plugins.append(Plugin(name, distribution, version, "active"))

    def _collect(self, name: str, implementation: Any, distribution: str, version: str) -> list[Component]:
        """What one plugin registers, with the other plugins' hooks left out of the call."""
        others = [plugin for plugin in self._manager.get_plugins() if plugin is not implementation]
        collected: list[Component] = []
        origin = {"plugin": name, "distribution": distribution, "distribution_version": version}
        for kind, hook in KINDS.items():
            call = self._manager.subset_hook_caller(hook, remove_plugins=others)
            call(register=functools.partial(_register, collected, {"kind": kind, **origin}))
        return collected

    def broken(self) -> list[Plugin]:
        """The plugins that failed to load."""
        return [plugin for plugin in self.plugins if plugin.status == "broken"]

    def unknown(self) -> list[str]:
        """Names to load or to leave out that no installed plugin has."""
        known = {folded(plugin.name) for plugin in self.plugins}
        return sorted({name for name in (*(self.only or ()), *self.disabled) if folded(name) not in known})


def _register(
    collected: list[Component],
    origin: Mapping[str, str],
    name: str,
    target: str,
    *,
    summary: str,
    paper: str | None = None,
    dims: Collection[int] = (),
    domains: Collection[str] = (),
    extras: Collection[str] = (),
    aliases: Collection[str] = (),
    version: int = 1,
) -> None:
    """What a plugin calls as ``register``; see :class:`mlfp.hookspecs.Register`."""
    component = Component(
        name=name,
        target=target,
        summary=summary,
        paper=paper,
        dims=tuple(dims),
        domains=_words(domains, "domains"),
        extras=_words(extras, "extras"),
        aliases=_words(aliases, "aliases"),
        version=version,
        **origin,
    )
    collected.append(component.checked())


def _words(value: Collection[str], name: str) -> tuple[str, ...]:
    if isinstance(value, str):  # a text is a collection of letters
        raise PluginError(f"{name} should be a list of texts, got the text {value!r}")
    return tuple(value)


def _order(point: EntryPoint) -> tuple[bool, bool, str, str]:
    """The built-ins first, whoever else claims their name, then by name: metadata comes in any order."""
    distribution, version = _distribution_of(point)
    return point.name != BUILT_IN, distribution != _OWN, point.name, f"{distribution} {version}"


def _distribution_of(point: EntryPoint) -> tuple[str, str]:
    return (point.dist.name, point.dist.version) if point.dist else ("unknown", "unknown")


def _reason(error: BaseException) -> str:
    """Why a plugin is broken, in one line."""
    if isinstance(error, PluginError):
        return ". ".join([error.what, *error.hints])
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}".rstrip(": ")


def _refuse_unknown_hooks(implementation: Any) -> None:
    """A misspelt hook would never be called, and nobody would know why."""
    for name, _ in inspect.getmembers(implementation, lambda item: hasattr(item, "mlfp_impl")):
        if name not in KINDS.values():
            raise PluginError(f"it implements an unknown hook {name!r}", hints=nearest(name, KINDS.values()))


@functools.cache
def host() -> PluginHost:
    """The process's plugins, found on first use; each broken one is named once on stderr."""
    found = PluginHost(
        only=_names("MLFP_PLUGINS"),
        disabled=_names("MLFP_DISABLE_PLUGINS") or (),
        strict=os.environ.get("MLFP_STRICT_PLUGINS", "") not in ("", "0"),
    )
    found.discover()
    if multiprocessing.parent_process() is None:  # its workers find the same plugins
        complain(found.broken())
        _complain_of_unknown(found)
    return found


def _names(variable: str) -> list[str] | None:
    value = os.environ.get(variable)
    return None if value is None else [name.strip() for name in value.split(",") if name.strip()]


def complain(broken: Iterable[Plugin]) -> None:
    """Name broken plugins on stderr, with the way out."""
    for plugin in broken:
        print(f"Warning: {plugin.complaint()}\n  Leave it out: MLFP_DISABLE_PLUGINS={plugin.name}", file=sys.stderr)


def _complain_of_unknown(found: PluginHost) -> None:
    """Say that a name in the environment stands for nothing: it may be misspelt."""
    for name in found.unknown():
        hints = [*nearest(name, [plugin.name for plugin in found.plugins]), "See all: mlfp plugins list"]
        text = "\n  ".join([f"Warning: MLFP_PLUGINS or MLFP_DISABLE_PLUGINS names {name!r}: no such plugin", *hints])
        print(text, file=sys.stderr)


def registry() -> Registry:
    """The process's components."""
    return host().registry
