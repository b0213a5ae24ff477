"""A folder of made-up distributions, to try how a host gets on with plugins of all sorts."""

from __future__ import annotations

import importlib.metadata
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoints
from pathlib import Path

from mlfp.plugins import GROUP
from mlfp.registry import BUILT_IN


@dataclass(frozen=True)
class Site:
    """A folder as pip would fill it. It counts once it is on ``sys.path`` or in ``PYTHONPATH``.

    :param folder: an existing folder.
    """

    folder: Path

    def install(
        self,
        distribution: str,
        *,
        plugins: Mapping[str, str],
        modules: Mapping[str, str] | None = None,
        version: str = "1.0",
    ) -> None:
        """Put a distribution there.

        :param distribution: what pip calls it.
        :param plugins: entry points of the group ``mlfp``: name space to module.
        :param modules: source of its modules by name.
        """
        for module, source in (modules or {}).items():
            (self.folder / f"{module}.py").write_text(textwrap.dedent(source), encoding="utf-8")
        info = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n", "utf-8")
        lines = [f"[{GROUP}]", *(f"{name} = {module}" for name, module in plugins.items())]
        (info / "entry_points.txt").write_text("\n".join(lines) + "\n", "utf-8")

    def entry_points(self, *, group: str) -> EntryPoints:
        """Those of a group that the site's distributions have, and the built-ins': nobody else's."""
        own = importlib.metadata.MetadataPathFinder.find_distributions(
            importlib.metadata.DistributionFinder.Context(path=[str(self.folder)])
        )
        points = [point for distribution in own for point in distribution.entry_points]
        built_in = [
            point for point in _INSTALLED(group=GROUP, name=BUILT_IN) if point.dist and point.dist.name == "mlfp"
        ]
        return EntryPoints([point for point in [*built_in, *points] if point.group == group])

    def forget(self) -> None:
        """Drop what was imported from the folder."""
        for name, module in list(sys.modules.items()):
            if Path(getattr(module, "__file__", None) or "/").is_relative_to(self.folder):
                del sys.modules[name]


#: Kept, because a test that uses a site puts the site's in its place.
_INSTALLED = importlib.metadata.entry_points
