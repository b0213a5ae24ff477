"""A folder whose paths tell what the scans are."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mlfp.errors import ParameterError, UsageError
from mlfp.types.scan_table import ScanTable

_FIELD = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True)
class Folder:
    """Every file below a folder whose path fits a template.

    :param path: the folder.
    :param template: the path below it, with ``{column}`` where it tells one and ``*`` where it tells nothing. A column
        that comes twice must say the same both times, as in
        ``sub-{subject}/ses-{session}/anat/sub-{subject}_ses-{session}_{modality}.nii.gz``. Within one name, where a
        border is not clear the earlier column takes as much as it can: ``{subject}_{modality}.png`` splits at the
        last ``_``.
    """

    path: Path
    template: str = "{subject}/{session}/{modality}.nii.gz"

    def table(self) -> ScanTable:
        """Its scans; ``scan`` is the path below the folder.

        :raises UsageError: there is no such folder, or nothing in it fits.
        """
        pattern = _pattern(self.template)
        if not self.path.is_dir():
            raise UsageError(f"there is no folder {str(self.path)!r}")
        top = os.path.abspath(self.path)  # noqa: PTH100 (its normal form, links left as they are)
        seen: list[str] = []
        rows = []
        for name in _files(top, depth=self.template.count("/")):
            seen.append(name)
            match = pattern.fullmatch(name)
            if match:
                rows.append({"scan": name, "path": f"{top}/{name}", **match.groupdict()})
        if not rows:
            raise UsageError(
                f"no file below {str(self.path)!r} fits the template {self.template!r}",
                hints=[
                    f"Files as deep as the template: {', '.join(seen[:3]) or 'none'}",
                    "Describe yours: {use: folder, path: ..., template: '{subject}/{session}/{modality}.nii.gz'}",
                    f"A tree that has a name is read by it: bids:{self.path}, or brats2021, chestxray14, adni, dicom.",
                    "Or list them in a manifest: a CSV with the columns path and subject.",
                ],
            )
        return ScanTable(pd.DataFrame(rows), source=str(self.path))


def _pattern(template: str) -> re.Pattern[str]:
    fields = _FIELD.findall(template)
    if "subject" not in fields:
        raise ParameterError(
            f"the template {template!r} does not say where the subject stands",
            key=("template",),
            hints=["Write {subject} for the part of the path that tells it."],
        )
    seen: set[str] = set()
    parts = []
    for place, text in enumerate(_FIELD.split(template)):
        if place % 2 == 0:
            parts.append("[^/]*".join(re.escape(piece) for piece in text.split("*")))
        else:
            parts.append(f"(?P={text})" if text in seen else f"(?P<{text}>[^/]+)")
            seen.add(text)
    return re.compile("".join(parts))


def _files(top: str, depth: int) -> Iterator[str]:
    """Files so many folders below ``top``, by their path from there, in order of name; hidden ones left out."""

    def walk(folder: str, left: int) -> Iterator[str]:
        with os.scandir(folder) as entries:
            listed = sorted(
                (entry for entry in entries if not entry.name.startswith(".")), key=lambda entry: entry.name
            )
        for entry in listed:
            if left and entry.is_dir():
                yield from walk(entry.path, left - 1)
            elif not left and entry.is_file():
                yield os.path.relpath(entry.path, top).replace(os.sep, "/")

    yield from walk(top, depth)
