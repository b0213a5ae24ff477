"""BraTS 2021: one session of each subject, in four contrasts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from mlfp.errors import ParameterError, UsageError
from mlfp.types.remark import Remark
from mlfp.types.scan_table import ScanTable
from mlfp_plugins.datasets.trees import Listing, Listings, Nifti, glimpse, join, walk

Contrast = Literal["t1", "t1ce", "t2", "flair"]

_SUBJECT = re.compile(r"BraTS2021_\d{5}", re.IGNORECASE)
#: Folders of subjects lie so many below the path at most.
DEPTH = 3
#: What lies beside the scans and shows no scan.
_OTHER = ("seg",)


@dataclass(frozen=True)
class Brats2021:
    """The tree as it is handed out: ``BraTS2021_00000/BraTS2021_00000_{t1,t1ce,t2,flair}.nii.gz``.

    All scans of a subject are of one session, on one grid, with one brain mask: contrast changes from scan to scan,
    position, time and the outline of the brain do not.

    :param path: the folder of the subjects, or one of the folders above it.
    :param modalities: the contrasts to use.
    """

    path: Path
    modalities: Sequence[Contrast] = ("t1", "t1ce", "t2", "flair")

    @staticmethod
    def recognise(folder: Path) -> str:
        """See :class:`mlfp.interfaces.dataset.RecognisingDataset`: a scan in the folder of its subject."""
        for name, listing in glimpse(folder, DEPTH):
            subject = name.rpartition("/")[2] or folder.name
            if _SUBJECT.fullmatch(subject):
                for file in listing.files:
                    if Nifti.of(file) and file.lower().startswith(f"{subject.lower()}_"):
                        return join(name, file)
        return ""

    def table(self) -> ScanTable:
        """A row a scan, with what is odd about the tree in ``remarks``.

        :raises UsageError: there is no such folder, or no scan in it.
        """
        if not self.modalities:
            raise ParameterError("brats2021: modalities lists none", key=("modalities",))
        listings = Listings(self.path)
        remarks: list[Remark] = []
        seen: dict[str, str] = {}
        rows = []
        for folder, listing in walk(listings, DEPTH):
            name = folder.rpartition("/")[2] or Path(listings.top).name
            if not _SUBJECT.fullmatch(name):
                continue
            subject = f"BraTS2021_{name[-5:]}"
            if subject in seen:
                text = f"is there twice: {seen[subject]} is used, {folder} is not; is it in two splits?"
                remarks.append(Remark("subject twice", subject, text))
                continue
            seen[subject] = folder
            rows += list(self._subject(subject, folder, listing, listings.top, remarks))
        listings.save()
        if not rows:
            raise UsageError(
                f"no scan of BraTS 2021 below {str(self.path)!r}",
                hints=["Expected: BraTS2021_00000/BraTS2021_00000_t1.nii.gz, at most three folders down."],
            )
        return ScanTable(pd.DataFrame(rows), source=str(self.path), remarks=remarks)

    def _subject(
        self, subject: str, folder: str, listing: Listing, top: str, remarks: list[Remark]
    ) -> Iterator[dict[str, str]]:
        found: dict[str, str] = {}
        for name in listing.files:
            nifti = Nifti.of(name)
            if nifti is None:
                continue
            owner, _, contrast = nifti.stem.rpartition("_")
            contrast = contrast.lower()
            file = join(folder, name)
            if owner.lower() != subject.lower():
                remarks.append(Remark("wrong name", file, f"lies in the folder of {subject}; left out"))
            elif contrast in found:
                remarks.append(Remark("scan twice", file, f"is {found[contrast]} again; left out"))
            elif contrast in self.modalities:
                remarks.extend(nifti.remarks(file))
                found[contrast] = name
            elif contrast not in (*_OTHER, "t1", "t1ce", "t2", "flair"):
                remarks.append(Remark("unknown modality", file, "is no contrast of BraTS 2021; left out"))
        missing = [contrast for contrast in self.modalities if contrast not in found]
        if missing:
            remarks.append(Remark("missing modality", subject, f"has no {', '.join(missing)}"))
        for contrast in self.modalities:
            if contrast in found:
                file = join(folder, found[contrast])
                yield {
                    "scan": f"{subject}_{contrast}",
                    "path": f"{top}/{file}",
                    "subject": subject,
                    "modality": contrast,
                    "dataset": "BraTS2021",
                }
