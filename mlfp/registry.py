"""A name to a component, imported only when it is used."""

from __future__ import annotations

import functools
import importlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import Any

from mlfp import libraries
from mlfp.errors import (
    AmbiguousComponentError,
    ComponentImportError,
    MlfpError,
    ParameterError,
    PluginError,
    UnknownComponentError,
    nearest,
)
from mlfp.hookspecs import KINDS
from mlfp.types.spec import Spec

#: The name space of the built-ins: a bare name means theirs first.
BUILT_IN = "mlfp"
#: What stands in a parameter (a distance, a reducer) is a component too, but of libraries only.
PART = "part"
#: What a component that builds another gives it by itself, so that it cannot be missing before there is any data.
_GIVEN = {"encoder": ("in_channels", "spatial_dims", "embedding_dim")}
#: Endings of manifests.
_MANIFESTS = (".csv", ".tsv", ".parquet")
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_TARGET = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


@dataclass(frozen=True)
class Component:
    """What a plugin said of a component when it registered it; nothing is imported yet."""

    kind: str
    plugin: str
    name: str
    target: str
    summary: str
    paper: str | None = None
    dims: tuple[int, ...] = ()
    domains: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    version: int = 1
    distribution: str = ""
    distribution_version: str = ""

    @property
    def id(self) -> str:
        """``plugin/name``: what records keep."""
        return f"{self.plugin}/{self.name}"

    @property
    def names(self) -> tuple[str, ...]:
        """Its name and its aliases."""
        return (self.name, *self.aliases)

    @property
    def works_in(self) -> tuple[int, ...]:
        """The spatial dimensions it works in; both where it named none."""
        return self.dims or (2, 3)

    @property
    def origin(self) -> str:
        """Where it comes from: target, distribution and version."""
        return f"{self.target}, from {self.distribution} {self.distribution_version}"

    def load(self) -> Callable[..., Any]:
        """Import the target.

        :raises ComponentImportError: its module or attribute is not there, or its module fails; names the extra to
            install, if any.
        """
        module, _, attribute = self.target.partition(":")
        try:
            found: Any = importlib.import_module(module)
            for part in attribute.split("."):
                found = getattr(found, part)
        except MlfpError:
            raise
        except Exception as error:  # a plugin's module may raise anything
            raise self.unimportable(error) from error
        return found  # type: ignore[no-any-return]

    def unimportable(self, error: Exception) -> ComponentImportError:
        """What to say when its code, or code it needs, cannot be imported."""
        reason = _first_line(error) if isinstance(error, ImportError | AttributeError) else _named(error)
        extras = f"It needs: pip install '{self.distribution}[{','.join(self.extras)}]'"
        return ComponentImportError(
            f"{self.kind} {self.id} cannot be imported: {reason}",
            where=self.origin,
            hints=[extras] if self.extras else [],
        )

    def checked(self) -> Component:
        """Itself.

        :raises PluginError: its kind, name, target, dimensions or summary is malformed.
        """
        what = f"{self.kind} {self.name!r}"
        if self.kind not in KINDS:
            raise PluginError(f"unknown kind of component {self.kind!r}", hints=nearest(self.kind, KINDS))
        for name in self.names:
            check_name(name, what=f"{self.kind} name")
        if not isinstance(self.target, str) or not _TARGET.fullmatch(self.target):
            raise PluginError(
                f"{what}: target {self.target!r} should be 'module:attribute'",
                hints=["A text, so that registering imports nothing: 'mlfp_example.soft_margin:SoftMarginLoss'"],
            )
        if not set(self.dims) <= {2, 3}:
            raise PluginError(f"{what}: dims {self.dims!r} should be of 2 and 3, or empty for any")
        if not self.summary.strip():
            raise PluginError(f"{what} needs a summary: one sentence for lists")
        return self


def check_name(name: str, *, what: str) -> None:
    """Refuse what cannot be half of an id.

    :raises PluginError: it is not lower-case words joined by hyphens.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise PluginError(f"{what} {name!r} should be lower-case words joined by hyphens")


def folded(name: str) -> str:
    """Names are looked up whatever their case, and with ``_`` for ``-``."""
    return name.casefold().replace("_", "-")


@dataclass
class Registry:
    """Every component of every loaded plugin.

    :param absent: name spaces of plugins that are broken or disabled, with the reason: a look-up there tells it.
    """

    absent: dict[str, str] = field(default_factory=dict)
    _by_id: dict[tuple[str, str], Component] = field(default_factory=dict, init=False)
    _by_name: dict[tuple[str, str], list[Component]] = field(default_factory=dict, init=False)

    def add(self, components: Sequence[Component]) -> None:
        """Add one plugin's components, all or none.

        :raises PluginError: a name is malformed or taken; nothing was added then.
        """
        new: dict[tuple[str, str], Component] = {}
        for component in components:
            for name in component.checked().names:
                key = (component.kind, folded(f"{component.plugin}/{name}"))
                other = new.get(key) or self._by_id.get(key)
                if other is not None:
                    raise PluginError(
                        f"{component.kind} {component.plugin}/{name} is registered twice",
                        hints=[other.origin, component.origin],
                    )
                new[key] = component
        self._by_id.update(new)
        for (kind, full), component in new.items():
            self._by_name.setdefault((kind, full.split("/")[1]), []).append(component)

    def components(self, kind: str | None = None, pattern: str = "*") -> list[Component]:
        """All components, or those of a kind whose id, name or alias fits the pattern, in order of kind and id.

        The built-ins come first in each kind.
        """
        unique = {(item.kind, item.id): item for item in self._by_id.values() if kind in (None, item.kind)}
        wanted, order = folded(pattern), list(KINDS)
        fitting = [item for item in unique.values() if any(fnmatch(name, wanted) for name in (item.id, *item.names))]
        return sorted(fitting, key=lambda item: (order.index(item.kind), item.plugin != BUILT_IN, item.id))

    def find(self, kind: str, name: str) -> Component:
        """The component that a name means.

        ``library:Class`` is the library's; ``plugin/name`` is that plugin's; a bare name is the built-in, else the only
        plugin's that has it. So installing a plugin never changes what a working configuration means.

        :raises UnknownComponentError: nobody registered it; lists the nearest names.
        :raises AmbiguousComponentError: several plugins have it, and the built-ins have not.
        """
        if ":" in name and kind != "dataset":  # no library has any
            return _library_component(kind, name)
        key = folded(name)
        if "/" in key:
            found = [self._by_id[kind, key]] if (kind, key) in self._by_id else []
        else:
            found = self._by_name.get((kind, key), [])
            found = [item for item in found if item.plugin == BUILT_IN] or found
        if not found:
            raise self._unknown(kind, name)
        if len(found) > 1:
            raise AmbiguousComponentError(
                f"{kind} {name!r} could be {' or '.join(sorted(item.id for item in found))}",
                key=("use",),
                hints=["Write the whole name, plugin/name."],
            )
        return found[0]

    def _unknown(self, kind: str, name: str) -> UnknownComponentError:
        if kind == PART:
            hints = ["A part is a library's: for example {use: pml:LpDistance} or {use: pml:ThresholdReducer}."]
            return UnknownComponentError(f"unknown part {name!r}", key=("use",), hints=hints)
        space = folded(name).split("/")[0] if "/" in name else None
        items = self.components(kind)
        here = [item for item in items if space in (None, folded(item.plugin))]
        if space in self.absent and not here:
            return UnknownComponentError(f"{kind} {name!r} is not there: {self.absent[space]}", key=("use",))
        names = [text for item in items for text in (item.id, *item.names)]
        known = ", ".join(item.name if item.plugin == BUILT_IN else item.id for item in items)
        return UnknownComponentError(
            f"unknown {kind} {name!r}",
            key=("use",),
            hints=[
                *nearest(name, names),
                *self._elsewhere(kind, name),
                *self._by_path(kind, name),
                f"Known: {known}" if known else f"No plugin offers any {kind}.",
                *(
                    f"It may be there, but {reason}"
                    for plugin, reason in self.absent.items()
                    if space in (None, plugin)
                ),
                f"See all: mlfp plugins list --kind {kind}",
            ],
        )

    def _elsewhere(self, kind: str, name: str) -> list[str]:
        """A name of another kind, given for one of this."""
        others = {other for other, known in [*self._by_name, *self._by_id] if known == folded(name) and other != kind}
        return [f"{name!r} is the name of {_article(other)} {other}." for other in sorted(others)]

    def _by_path(self, kind: str, name: str) -> list[str]:
        """A file or folder, as the command line takes it, given for the data set that reads it."""
        use, colon, path = name.partition(":")
        if kind != "dataset":
            return []
        if not colon:
            use, path = ("manifest" if name.endswith(_MANIFESTS) else "folder"), name
            if use == "folder" and "/" not in name:
                return []
        known = (kind, folded(use)) in self._by_name
        return [f"Write: {{use: {use}, path: {path}}}"] if known and path else []

    def check(self, kind: str, spec: Spec, context: Mapping[str, Any] | Iterable[str] = ()) -> dict[str, Any]:
        """Check a spec's parameters, and those of its parts, without building it.

        :param context: what the engine offers, or only the names of it.
        :return: the keywords it would be built with.
        :raises ParameterError: an unknown name or parameter, or a wrong value.
        """
        from mlfp import parameters

        component = self.find(kind, spec.use)
        offered = context if isinstance(context, Mapping) else dict.fromkeys(context)
        what = f"{kind} {component.id}"
        keywords = parameters.check(component.load(), spec.parameters, component=what, context=offered)
        for name, value in keywords.items():
            _of_part(name, value, lambda part: self.check(PART, part, offered))
            if isinstance(value, Spec) and name in KINDS:  # the component builds it, with what it offers it itself
                given = {**dict.fromkeys(_GIVEN.get(name, ())), **offered}
                _of_part(name, value.to_config(), functools.partial(self.check, name, context=given))
        return keywords

    def build(self, kind: str, spec: Spec, **context: Any) -> Any:
        """Make a component.

        :param context: what the engine offers; passed on where the signature has a parameter of that name.
        :raises ParameterError: an unknown name or parameter, or a value that its constructor refuses.
        :raises ComponentImportError: it needs something that is not installed.
        """
        component = self.find(kind, spec.use)
        checked = self.check(kind, spec, context)
        # A part is offered what the whole is: a memory's loss takes the comparison's distance too.
        keywords = {
            name: _of_part(name, value, lambda part: self.build(PART, part, **context))
            for name, value in checked.items()
        }
        try:
            return component.load()(**keywords)
        except MlfpError:
            raise
        except ImportError as error:
            raise component.unimportable(error) from error
        except Exception as error:  # whatever its constructor refuses, it refuses these values
            given = f"with {dict(spec.parameters)!r}" if spec.parameters else "without parameters"
            raise ParameterError(f"{kind} {component.id} cannot be made {given}: {_named(error)}") from error


def _of_part(name: str, value: Any, do: Callable[[Spec], Any]) -> Any:
    """What ``do`` gives of a parameter that is a component (``reducer: {use: pml:...}``); any other value as it is."""
    if not (isinstance(value, Mapping) and "use" in value):
        return value
    try:
        return do(Spec.parse(value))
    except ParameterError as error:
        raise error.under(name) from error


def _first_line(error: BaseException) -> str:
    """The first line of what an error says; some say a page."""
    return str(error).strip().splitlines()[0] if str(error).strip() else ""


def _named(error: BaseException) -> str:
    """An error of others' code by type and first line: assertions often say nothing, and ``KeyError`` only the key."""
    text = _first_line(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"


def _library_component(kind: str, name: str) -> Component:
    prefix, _, attribute = name.partition(":")
    library = libraries.find(prefix)
    return _LibraryComponent(
        kind=kind,
        plugin=prefix,
        name=attribute,
        target=f"{library.module}:load",
        summary=f"{attribute} of {library.title}.",
        dims=library.dims,
        distribution=library.distribution,
        distribution_version=library.version(),
    )


@dataclass(frozen=True)
class _LibraryComponent(Component):
    """A library's own class, reached by its name there."""

    @property
    def id(self) -> str:
        return f"{self.plugin}:{self.name}"

    def load(self) -> Callable[..., Any]:
        """Ask the library's file here for what makes the class."""
        load: Callable[[str, str], Callable[..., Any]] = super().load()
        return load(self.kind, self.name)
