"""What every test may ask for."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real scans that MLFP_TEST_DATA names; without it the test is skipped, with the reason."""
    folder = os.environ.get("MLFP_TEST_DATA")
    if not folder:
        pytest.skip("MLFP_TEST_DATA is not set: no real scans to test on")
    path = Path(folder)
    if not path.is_dir():
        pytest.skip(f"MLFP_TEST_DATA={folder} is no folder: no real scans to test on")
    return path


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests share no cache with the user's."""
    monkeypatch.setenv("MLFP_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(scope="session")
def small_store() -> ModuleType:
    """``tests/fingerprints/small_store.py``: pictures and a model for them."""
    path = Path(__file__).parent / "fingerprints" / "small_store.py"
    spec = importlib.util.spec_from_file_location("mlfp_tests_small_store", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def trees() -> ModuleType:
    """Makes data sets in the layouts in which they are handed out: ``trees.py`` beside this file."""
    name = "mlfp_tests_trees"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("trees.py"))
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]
