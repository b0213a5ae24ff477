"""Where the brain mask of a scan comes from."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mlfp.errors import ScanError, UsageError, nearest
from mlfp.preparing.settings import Settings
from mlfp.preparing.stripping import command_of, mask_by_command, mask_of_file
from mlfp.types.scan_table import ScanTable
from mlfp.types.volume import Volume

_FIELD = re.compile(r"\{(\w+)\}")


def find(volume: Volume, path: Path | None, settings: Settings) -> np.ndarray | None:
    """(I, J, K) bool: the brain, from the scan's mask or by the program of the settings; None where there is neither.

    :raises ScanError: there is no such mask, or none is found.
    """
    if path is not None:
        return mask_of_file(path, volume)
    if settings.mask:
        raise ScanError("the scan table names no mask for it")
    return mask_by_command(volume, command_of(settings.strip)) if settings.strip else None


def path_of(row: Mapping[str, Any], table: ScanTable, settings: Settings) -> Path | None:
    """The mask of a row: what the column says, or the template of a path with the row's values in it.

    Relative paths of a column are taken from the manifest's folder, as those of scans are.

    :raises UsageError: there is no such column.
    """
    if not settings.mask:
        return None
    if "{" not in settings.mask:
        _check_column(settings.mask, table)
        text = str(row[settings.mask] or "").strip()
        folder = Path(table.source).parent if Path(table.source).is_file() else Path.cwd()
        return folder / Path(text).expanduser() if text else None
    for name in _FIELD.findall(settings.mask):
        _check_column(name, table)
    return Path(_FIELD.sub(lambda found: str(row[found[1]]), settings.mask)).expanduser()


def content(path: Path | None) -> str:
    """A hash of a mask's content; empty where there is none."""
    if path is None or not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_column(name: str, table: ScanTable) -> None:
    if name not in table.columns:
        raise UsageError(
            f"{table.source} has no column {name!r}",
            hints=[
                *nearest(name, table.columns),
                f"Its columns: {', '.join(table.columns)}",
                "Masks are named by a column, or by a path with columns in it: --mask '/masks/{subject}.nii.gz'",
            ],
        )
