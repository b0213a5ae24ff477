"""What the doors share: how they speak, and what they take paths for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlfp.data.scans import ScanFailure

#: Told a line for whatever ends, or is left out.
Announce = Callable[[str], None]


def unheard(line: str) -> None:
    """Announce nothing."""


def announce_failures(failures: Sequence[ScanFailure], announce: Announce) -> None:
    """A line for each scan that was left out, with the reason."""
    for failure in failures:
        announce(f"left out {failure.scan}: {failure.reason}")


def config_of(config: Path | str | Mapping[str, Any] | None) -> Path | Mapping[str, Any] | None:
    """A text is the path of a configuration."""
    return Path(config) if isinstance(config, str) else config


def path_of(path: Path | str | None) -> Path | None:
    """A path, or None for none."""
    return None if path is None else Path(path)
