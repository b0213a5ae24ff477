"""Fixtures for plugin authors; pytest finds them by itself where mlfp is installed.

mlfp is imported when a fixture is used, not when pytest starts: a session of another project pays nothing for it, and
coverage sees mlfp's own modules being imported.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mlfp.plugins import PluginHost
    from mlfp.testing.site import Site


@pytest.fixture
def mlfp_host(monkeypatch: pytest.MonkeyPatch) -> PluginHost:
    """A strict host with the built-ins and no other plugin, in the place of the process's own during the test.

    Load yours: ``mlfp_host.load("example", mlfp_example, "mlfp-example", "0.1.0")``.
    """
    import mlfp.plugins

    host = mlfp.plugins.PluginHost(only=(), strict=True)
    host.discover()
    monkeypatch.setattr(mlfp.plugins, "host", lambda: host)
    return host


@pytest.fixture
def mlfp_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """An empty folder for made-up distributions; plugins are found there, and the built-ins, and nowhere else."""
    import importlib.metadata

    from mlfp.testing.site import Site

    folder = tmp_path / "site"
    folder.mkdir()
    site = Site(folder)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(importlib.metadata, "entry_points", site.entry_points)
    yield site
    site.forget()
