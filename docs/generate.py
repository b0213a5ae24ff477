"""Regenerates what is generated in the README and in docs/: help pages, components, extension points, results.

    python docs/generate.py            write
    python docs/generate.py --check    write nothing; exit with 1 if something would change

A generated part stands between two comments, ``<!-- begin: WHAT -->`` and ``<!-- end: WHAT -->``; what lies around them
is written by hand. WHAT is the name of one of the functions in :data:`PARTS`, with an argument if it takes one.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
from click.testing import CliRunner

from mlfp import parameters
from mlfp.bench.results import BenchResult
from mlfp.cli.app import COMMANDS, application
from mlfp.cli.explained import PROVIDED, SUPPLIED, documented, type_name
from mlfp.hookspecs import KINDS, OWN, Hooks
from mlfp.plugins import registry
from mlfp.registry import BUILT_IN, Component
from mlfp.report import cells, differences, markdown, panels, protocol, saved
from mlfp.training.checks import OFFERED

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
#: Help pages are as wide as a small terminal.
WIDTH = 80
_PART = re.compile(r"(<!-- begin: (?P<what>[^>]+?) -->\n).*?(<!-- end: (?P=what) -->)", re.DOTALL)


def pages() -> list[Path]:
    """The README and every page of docs/."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def regenerated(text: str) -> str:
    """A page with its generated parts made anew."""

    def fill(found: re.Match[str]) -> str:
        name, _, argument = found["what"].partition(" ")
        make = PARTS[name]
        lines = make(argument) if argument else make()
        return f"{found[1]}\n" + "\n".join(lines).strip("\n") + f"\n\n{found[3]}"

    return _PART.sub(fill, text)


def stale() -> list[Path]:
    """The pages of which a generated part has changed."""
    return [page for page in pages() if regenerated(text := page.read_text(encoding="utf-8")) != text]


# What is generated


def commands() -> Iterator[str]:
    """The help of every command."""
    yield from _help("mlfp")
    for name in COMMANDS:
        yield from _help(f"mlfp {name}")
        command = application.get_command(click.Context(application), name)
        if isinstance(command, click.Group):
            for each in command.commands:
                yield from _help(f"mlfp {name} {each}")


def _help(command: str) -> Iterator[str]:
    shown = CliRunner().invoke(application, [*command.split()[1:], "--help"], prog_name="mlfp", terminal_width=WIDTH)
    yield from (f"## `{command}`", "", "```text", *shown.output.rstrip().splitlines(), "```", "")


def extension_points() -> Iterator[str]:
    """What a plugin may implement."""
    rows = []
    for kind, hook in KINDS.items():
        does, _, interface = (inspect.getdoc(getattr(Hooks, hook)) or "").partition(" See :mod:`")
        rows.append([kind, f"`{hook}`", does, f"`{interface.rstrip('`.')}`" if interface else ""])
    yield from markdown.table(["kind", "hook", "what it does", "its contract"], rows, left=range(4))


def offered() -> Iterator[str]:
    """What a component is given by the comparison, if its signature takes it."""
    rows = [[kind, ", ".join(f"`{name}`" for name in names)] for kind, names in OFFERED.items()]
    yield from markdown.table(["kind", "given to it, if its signature names it"], rows, left=range(2))


def components() -> Iterator[str]:
    """Every built-in component with its parameters."""
    for kind in KINDS:
        found = [item for item in registry().components(kind) if item.plugin == BUILT_IN]
        if found:
            yield from (f"## {kind}", "")
            rows = [[f"[{item.name}](#{item.name})", _dims(item), item.summary] for item in found]
            yield from markdown.table(["name", "dims", "what it is"], rows, left=range(3))
            for item in found:
                yield from _component(item)


def _dims(component: Component) -> str:
    return ", ".join(f"{dim}D" for dim in component.dims) or "any"


def _component(component: Component) -> Iterator[str]:
    target = component.load()
    yield from (f"### {component.name}", "", component.summary, "")
    if component.paper:
        yield from ("Source: mlfp's own." if component.paper == OWN else f"Source: {component.paper}.", "")
    known, _ = parameters.parameters_of(target)
    texts = documented(target)
    rows = [
        [f"`{item.name}`", f"`{type_name(item.annotation)}`", _default(item), texts.get(item.name, "")]
        for item in known.values()
        if item.name not in PROVIDED
    ]
    if rows:
        yield from markdown.table(["parameter", "type", "default", "meaning"], rows, left=range(4))


def _default(parameter: parameters.Parameter) -> str:
    if parameter.required:
        return SUPPLIED.get(parameter.name, "required")
    return f"`{parameter.default!r}`"


def file(path: str) -> Iterator[str]:
    """A file of the repository, as it is."""
    language = {".py": "python", ".cfg": "ini", ".toml": "toml", ".yaml": "yaml"}[Path(path).suffix]
    yield from (f"```{language}", *(ROOT / path).read_text(encoding="utf-8").rstrip().splitlines(), "```")


def benchmarks() -> Iterator[str]:
    """A section for each recorded comparison."""
    for kept, result in _comparisons():
        yield from (f"## {result.name}", "")
        if result.description:
            yield from (result.description.strip(), "")
        yield from (" ".join([*cells.subject(result), *protocol.sentence(result)]), "")
        yield from (f"`{kept['command']}`, on {_machine(kept['machine'])}.", "")
        yield from markdown.ranked(result)
        yield from markdown.pairs(result, level=3)
        yield from differences.lines(result, level=3)
        yield from panels.lines(result, level=3)
        yield from protocol.lines(result, level=3)


def summary() -> Iterator[str]:
    """The best trained method of each recorded comparison beside the best that needs no training."""
    rows = []
    for _, result in _comparisons():
        trained = [row for row in result.rows if row.kind in ("trained", "joined") and result.rank_by in row.metrics]
        others = [row for row in result.rows if row.kind in ("untrained", "scorer") and result.rank_by in row.metrics]
        rows.append([result.name, result.rank_by, *(_best(result, side) for side in (trained, others))])
    header = ["comparison", "metric", "best trained method", "best without training"]
    yield from markdown.table(header, rows, left=range(4)) if rows else ("None is recorded yet.",)


def _best(result: BenchResult, rows: list[Any]) -> str:
    if not rows:
        return cells.MISSING
    estimate = rows[0].metrics[result.rank_by]
    return f"{rows[0].label}: {cells.value(estimate)} ({cells.interval(estimate)})"


def phantom() -> Iterator[str]:
    """How hard each level of the phantom is for methods without learning."""
    kept = json.loads((RESULTS / "phantom-difficulty.json").read_text(encoding="utf-8"))
    yield from (f"`{kept['command']}`, on {_machine(kept['machine'])}.", "")
    levels = {level: {k: v for k, v in found.items() if isinstance(v, dict)} for level, found in kept["levels"].items()}
    scorers = list(dict.fromkeys(name for found in levels.values() for name in found))
    rows = [[level, *(f"{found[name]['hit_at_1']:.1f} %" for name in scorers)] for level, found in levels.items()]
    yield from markdown.table(["hit_at_1", *scorers], rows)
    about = f"{kept['subjects']} subjects with {kept['sessions']} sessions"
    yield f"{about}, the central axial slice; by chance: {kept['chance_hit_at_1']} %."


def performance() -> Iterator[str]:
    """A section for each recorded measurement of speed."""
    yield from _tables("speed-*.json", level=2)


def leaks() -> Iterator[str]:
    """A section for each recorded search for planted or known common subjects."""
    yield from _tables("leaks-*.json", level=3)


def explaining() -> Iterator[str]:
    """A table for each data set whose maps were measured."""
    yield from _tables("explain-*.json", level=3)


def warps() -> Iterator[str]:
    """How strongly heads may be warped."""
    yield from _tables("warp-*.json", level=3)


def _tables(pattern: str, *, level: int) -> Iterator[str]:
    """Recorded tables, each with what its script says it measures."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(RESULTS.glob(pattern))]
    for kept in found:
        yield from (f"{'#' * level} {kept['title']}", "", f"`{kept['command']}`, on {_machine(kept['machine'])}.", "")
        yield from _explained(kept["command"])
        yield from markdown.table(kept["columns"], [[str(value) for value in row] for row in kept["rows"]])
    if not found:
        yield "None is recorded yet."


def _explained(command: str) -> Iterator[str]:
    """What the script of a command says it measures: its docstring, less the first line and the command."""
    script = re.search(r"benchmarks/\S+\.py", command)
    if script is not None:
        text = ast.get_docstring(ast.parse((ROOT / script[0]).read_text(encoding="utf-8"))) or ""
        for paragraph in text.split("\n\n")[1:]:
            if not paragraph.startswith(" "):
                yield from (paragraph, "")


def _comparisons() -> Iterator[tuple[dict[str, Any], BenchResult]]:
    for path in sorted(RESULTS.glob("*.json")):
        kept = json.loads(path.read_text(encoding="utf-8"))
        if "result" in kept:
            yield kept, saved.of_json(kept["result"], folder=path.parent)


def _machine(machine: dict[str, Any]) -> str:
    parts = [f"{machine['cores']} cores" if machine.get("cores") else "", machine.get("processor", "")]
    versions = machine.get("versions", {})
    parts += [f"{name} {versions[name]}" for name in ("mlfp", "torch") if name in versions]
    return ", ".join(part for part in parts if part)


PARTS: dict[str, Callable[..., Iterator[str]]] = {
    "benchmarks": benchmarks,
    "commands": commands,
    "components": components,
    "explaining": explaining,
    "extension-points": extension_points,
    "file": file,
    "leaks": leaks,
    "offered": offered,
    "performance": performance,
    "phantom": phantom,
    "summary": summary,
    "warps": warps,
}


def main() -> None:
    """Write the pages, or say which are stale."""
    parser = argparse.ArgumentParser(description="Regenerate what is generated in the README and in docs/.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a page would change")
    check = parser.parse_args().check
    changed = stale()
    for page in changed:
        print(f"{'stale' if check else 'wrote'} {page.relative_to(ROOT)}")
        if not check:
            page.write_text(regenerated(page.read_text(encoding="utf-8")), encoding="utf-8")
    sys.exit(1 if check and changed else 0)


if __name__ == "__main__":
    main()
