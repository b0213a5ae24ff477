"""What every test may ask for."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

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
def helpers() -> Callable[[str], ModuleType]:
    """Loads a module that lies beside the tests, by its path without the ending, once a session."""

    def load(place: str) -> ModuleType:
        path = Path(__file__).parent / f"{place}.py"
        name = f"mlfp_tests_{path.stem}"
        if name not in sys.modules:
            spec = importlib.util.spec_from_file_location(name, path)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            # Before it runs: dataclasses and the registry look their module up by name.
            sys.modules[name] = module
            spec.loader.exec_module(module)
        return sys.modules[name]

    return load


@pytest.fixture(scope="session")
def small_store(helpers: Callable[[str], ModuleType]) -> ModuleType:
    """Pictures and a model for them."""
    return helpers("fingerprints/small_store")


@pytest.fixture(scope="session")
def trees(helpers: Callable[[str], ModuleType]) -> ModuleType:
    """Makes data sets in the layouts in which they are handed out."""
    return helpers("trees")


@pytest.fixture(scope="session")
def pictures_of(helpers: Callable[[str], ModuleType]) -> Callable[..., Path]:
    """Writes pictures of made-up subjects, and their manifest."""
    write: Callable[..., Path] = helpers("pictures").write_pictures
    return write


def _holds(read: Any, written: Any) -> bool:
    if isinstance(written, Mapping):
        return isinstance(read, Mapping) and all(key in read and _holds(read[key], written[key]) for key in written)
    if isinstance(written, list | tuple):
        same = isinstance(read, list | tuple) and len(read) == len(written)
        return same and all(map(_holds, read, written))
    if isinstance(read, Mapping):  # a name alone stands for a component without parameters
        return bool(read.get("use") == written)
    if isinstance(written, str) and isinstance(read, float):  # YAML reads 1e4 as a text
        return read == float(written)
    return bool(read == written)


@pytest.fixture(scope="session")
def holds() -> Callable[[Any, Any], bool]:
    """Tells whether a configuration that was read holds all that was written, whatever it has besides."""
    return _holds
