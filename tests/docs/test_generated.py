from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_parts_are_what_would_be_generated_now(generate: ModuleType) -> None:
    stale = [page.relative_to(ROOT).as_posix() for page in generate.stale()]
    assert stale == [], "run: make docs"


def test_every_page_is_in_the_navigation() -> None:
    listed = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in (ROOT / "docs").rglob("*.md"):
        assert page.relative_to(ROOT / "docs").as_posix() in listed


def test_what_is_filled_in_replaces_what_was_there_and_nothing_around(generate: ModuleType) -> None:
    text = "before\n<!-- begin: extension-points -->\nold\n<!-- end: extension-points -->\nafter\n"
    filled = generate.regenerated(text)
    assert filled.startswith("before\n<!-- begin")
    assert filled.endswith("end: extension-points -->\nafter\n")
    assert "\nold\n" not in filled
    assert "register_losses" in filled
    assert generate.regenerated(filled) == filled
