"""The small training of these tests, as a module, its plugin loaded apart from the process's."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest

from mlfp import plugins
from mlfp.plugins import PluginHost


@pytest.fixture(scope="session")
def small_module(helpers: Callable[[str], ModuleType]) -> ModuleType:
    return helpers("training/small_training")


@pytest.fixture
def small(small_module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module, with its encoder registered for one test."""
    host = PluginHost()
    host.discover()
    monkeypatch.setattr(plugins, "host", lambda: host)
    small_module.load_plugin()
    return small_module
