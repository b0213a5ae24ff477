"""A YAML file that remembers on which line each of its values stands."""

from __future__ import annotations

import copy
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from mlfp.errors import ParameterError, UsageError

Key = tuple[str | int, ...]


@dataclass
class Source:
    """A configuration's values and where each came from.

    :param data: the mapping at the top.
    :param name: file name for messages; ``<mapping>`` for one given from Python.
    :param lines: path of a value to its line, from 1.
    :param text: the file's text.
    :param changed: path of a value that did not come from the file to the option that gave it.
    :param argument: how a command line names it; empty for the comparison that runs when it names none.
    """

    data: dict[str, Any]
    name: str
    lines: dict[Key, int] = field(default_factory=dict)
    text: str = ""
    changed: dict[Key, str] = field(default_factory=dict)
    argument: str = "bench.yaml"

    @classmethod
    def of_file(cls, path: Path) -> Source:
        """Read a YAML file.

        :raises UsageError: no such file, not YAML, a key given twice, or a key that YAML does not read as text.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise UsageError(
                f"there is no configuration {str(path)!r}",
                hints=["`mlfp bench` without a file runs the quick comparison on the built-in phantom."],
            ) from None
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"cannot read {str(path)!r}: {error}") from error
        source = cls.of_text(text, str(path))
        source.argument = str(path)
        return source

    @classmethod
    def of_text(cls, text: str, name: str) -> Source:
        """Read YAML text; raises as :meth:`of_file` does."""
        loader = None
        try:
            loader = yaml.SafeLoader(text)
            node = loader.get_single_node()
            source = cls({}, name, {}, text)
            data = source._walk(loader, node, ()) if node is not None else {}
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            problem = getattr(error, "problem", None) or str(error).splitlines()[0]
            raise UsageError(f"not valid YAML: {problem}", where=f"{name}:{mark.line + 1}" if mark else name) from error
        finally:
            if loader is not None:
                loader.dispose()
        if not isinstance(data, dict):
            raise UsageError(f"a configuration is a mapping of keys to values, got {type(data).__name__}", where=name)
        source.data = data
        return source

    @classmethod
    def of_mapping(cls, data: Mapping[str, Any]) -> Source:
        """Take values given from Python."""
        return cls(copy.deepcopy(dict(data)), "<mapping>", {}, yaml.safe_dump(dict(data), sort_keys=False))

    def _walk(self, loader: yaml.SafeLoader, node: yaml.Node, key: Key) -> Any:
        self.lines[key] = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            self._refuse_repeated(node)
            loader.flatten_mapping(node)
            return self._mapping(loader, node, key)
        if isinstance(node, yaml.SequenceNode):
            return [self._walk(loader, item, (*key, place)) for place, item in enumerate(node.value)]
        return loader.construct_object(node, deep=True)

    def _refuse_repeated(self, node: yaml.MappingNode) -> None:
        seen: set[str] = set()
        for name_node, _ in node.value:
            where = f"{self.name}:{name_node.start_mark.line + 1}"
            if not isinstance(name_node, yaml.ScalarNode):
                raise UsageError("a key must be text, and this is a list or a mapping", where=where)
            if name_node.value in seen:
                raise UsageError(f"the key {name_node.value!r} is given twice", where=where)
            seen.add(name_node.value)

    def _mapping(self, loader: yaml.SafeLoader, node: yaml.MappingNode, key: Key) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name_node, value_node in node.value:
            name = loader.construct_object(name_node, deep=True)
            where = f"{self.name}:{name_node.start_mark.line + 1}"
            if not isinstance(name, str):
                raise UsageError(
                    f"YAML reads the key {name_node.value!r} as {name!r}, and a key must be text",
                    where=where,
                    hints=[f'Put it in quotes: "{name_node.value}"'],
                )
            found[name] = self._walk(loader, value_node, (*key, name))
            self.lines[(*key, name)] = name_node.start_mark.line + 1
        return found

    def where(self, key: Key) -> str:
        """``file:line  dotted.key`` of a value, or of the nearest thing around it that has a line.

        In place of file and line stands the option that gave the value, where one did.
        """
        dotted = ".".join(map(str, key))
        known = key
        while known and known not in self.lines and known not in self.changed:
            known = known[:-1]
        for length in range(len(known), 0, -1):
            if known[:length] in self.changed:
                return f"{self.changed[known[:length]]}  {dotted}"
        line = f":{self.lines[known]}" if known in self.lines else ""
        return f"{self.name}{line}  {dotted}".rstrip()

    def locate(self, error: ParameterError, key: Key = ()) -> ParameterError:
        """Say in which file and line an error below ``key`` lies; returns it."""
        error.under(*key)
        error.at(self.where(error.key))
        return error

    def as_run(self) -> str:
        """The configuration as text: the file's own, or, where options changed it, what they made of it."""
        if not self.changed:
            return self.text
        options = " ".join(self.changed.values())
        return f"# {self.name}, with {options}\n" + yaml.safe_dump(self.data, sort_keys=False, allow_unicode=True)

    def command(self) -> str:
        """The command line that runs it; a configuration given from Python stands in it as ``bench.yaml``."""
        options = [option.partition(" ") for option in self.changed.values()]
        parts = [shlex.quote(self.argument)] if self.argument else []
        return " ".join(["mlfp bench", *parts, *(f"{flag} {shlex.quote(value)}" for flag, _, value in options)])

    def replace(self, key: str, value: Any, option: str) -> None:
        """Take a value at the top from an option instead."""
        self.data[key] = value
        self.changed[(key,)] = option

    def override(self, assignments: Mapping[str, str]) -> None:
        """Set dotted keys to values written as in YAML: ``base.train.epochs`` to ``5``.

        :raises UsageError: the value is no YAML, or the key runs through something that is no mapping or list.
        """
        for dotted, text in assignments.items():
            try:
                value = yaml.safe_load(text)
            except yaml.YAMLError as error:
                raise UsageError(f"--set {dotted}={text}: the value is not valid YAML") from error
            self.changed[self._assign(dotted, value)] = f"--set {dotted}={text}"

    def _assign(self, dotted: str, value: Any) -> Key:
        *parents, last = dotted.split(".")
        place: Any = self.data
        key: list[str | int] = []
        try:
            for part in parents:
                key.append(_key_in(place, part))
                place = place[int(part)] if isinstance(place, list) else place.setdefault(part, {})
            key.append(_key_in(place, last))
            place[key[-1]] = value
        except (TypeError, AttributeError, ValueError, IndexError):
            raise UsageError(
                f"--set {dotted}: {dotted} is no key of {self.name}",
                hints=[f"Keys at the top: {', '.join(self.data)}", "Lists take numbers: compare_with.0=ssim"],
            ) from None
        return tuple(key)


def _key_in(place: Any, part: str) -> str | int:
    """A part of a dotted key, as a number where it counts the items of a list."""
    return int(part) if isinstance(place, list) else part
