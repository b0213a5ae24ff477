"""The small training of these tests, as a module, its plugin loaded apart from the process's."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from mlfp import plugins
from mlfp.plugins import PluginHost


@pytest.fixture(scope="session")
def small_module() -> ModuleType:
    path = Path(__file__).with_name("small_training.py")
    spec = importlib.util.spec_from_file_location("mlfp_tests_small_training", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def small(small_module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module, with its encoder registered for one test."""
    host = PluginHost()
    host.discover()
    monkeypatch.setattr(plugins, "host", lambda: host)
    small_module.load_plugin()
    return small_module
