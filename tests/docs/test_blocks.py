"""Every block of code in the README and in docs/ that can run is run, page by page, in a folder of its own."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from mlfp.cli.app import application

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"# ([\w.-]+\.ya?ml)\n")
#: Commands that train for minutes as they are written are made to take a few steps.
_LONG = ("bench", "train")
#: Languages of blocks that are looked at only.
SHOWN_ONLY = ("text", "ini")
#: Pages that tell and show nothing to run.
NOTHING_TO_RUN = ("architecture", "benchmarks", "index", "leaks", "performance", "report")


@dataclass(frozen=True)
class Block:
    language: str
    text: str
    line: int


def _blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for found in _BLOCK.finditer(text):
        yield Block(found["language"], found["text"], text.count("\n", 0, found.start()) + 2)


def _sessions(block: Block) -> Iterator[tuple[str, list[str]]]:
    """Commands of a console block, each with the output that is shown for it."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, *shown = part.rstrip("\n").split("\n")
        yield command.partition("  #")[0].strip(), shown


def _run(command: str, shown: list[str]) -> None:
    program, *args = shlex.split(command)
    if program != "mlfp":
        assert program in ("make", "pip", "export"), f"{command}: not run, and not known to need an installation"
        return
    if args[0] in _LONG and args != ["bench"] and "--check" not in args:
        args.append("--smoke")
    done = CliRunner().invoke(application, args)
    fails = any(line.startswith("Error:") for line in shown)
    assert (done.exit_code != 0) == fails, f"{command}\n{done.output}"
    for line in shown:
        if line.strip() not in ("", "..."):
            assert line.strip() in done.output, f"{command}\n{done.output}"


def _keep(block: Block) -> None:
    """A named configuration becomes a file for the commands after it, and must be one."""
    assert isinstance(yaml.safe_load(block.text), dict)
    name = _NAMED.match(block.text)
    if name is not None:
        Path(name[1]).write_text(block.text, encoding="utf-8")


def _play(page: Path) -> int:
    """Run what a page shows, from top to bottom; how many blocks that were."""
    names: dict[str, object] = {"__name__": page.stem}
    ran = 0
    for block in _blocks(page):
        if block.language == "python":
            exec(compile("\n" * (block.line - 1) + block.text, str(page), "exec"), names)
        elif block.language == "yaml":
            _keep(block)
        elif block.language == "console":
            for command, shown in _sessions(block):
                if command != "mlfp bench":  # the quick comparison takes minutes; `make bench` runs it
                    _run(command, shown)
        else:
            assert block.language in SHOWN_ONLY, f"{page.name}:{block.line}: {block.language} is not run"
            continue
        ran += 1
    return ran


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_shows_runs_and_says_what_is_shown(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.syspath_prepend(ROOT / "plugins" / "mlfp-example" / "src")
    assert _play(page) > 0 or page.stem in NOTHING_TO_RUN


@pytest.mark.parametrize(
    "shown",
    [
        "```console\n$ mlfp --version\nmlfp, version 99\n```\n",
        "```console\n$ mlfp benhc\n```\n",
        "```console\n$ mlpf --version\n```\n",
        "```python\nassert 1 + 1 == 3\n```\n",
        "```yaml\n- no\n- mapping\n```\n",
        "```julia\nprintln(1)\n```\n",
    ],
)
def test_a_page_that_shows_what_is_not_so_is_found_out(shown: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(shown, encoding="utf-8")
    with pytest.raises(AssertionError):
        _play(page)


def test_every_configuration_that_a_page_shows_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = 0
    for page in PAGES:
        for block in _blocks(page):
            if block.language == "yaml" and _NAMED.match(block.text) and "typo" not in block.text[:10]:
                _keep(block)
                name = _NAMED.match(block.text)
                assert name is not None
                done = CliRunner().invoke(application, ["bench", name[1], "--check"])
                assert done.exit_code == 0, f"{page.name}:{block.line}\n{done.output}"
                found += 1
    assert found >= 3
