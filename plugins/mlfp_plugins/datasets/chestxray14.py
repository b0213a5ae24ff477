"""NIH ChestX-ray14: frontal X-rays of the chest over years."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from mlfp.data.splits import split_subjects
from mlfp.errors import ParameterError, UsageError, nearest
from mlfp.types.remark import Remark
from mlfp.types.scan_table import ScanTable
from mlfp_plugins.datasets import patient_split
from mlfp_plugins.datasets.trees import Listings, join, some, walk

TABLES = ("Data_Entry_2017_v2020.csv", "Data_Entry_2017.csv")
_COLUMNS = {
    "Image Index": "scan", "Patient ID": "subject", "Follow-up #": "session", "View Position": "view",
    "Patient Age": "age", "Patient Gender": "sex", "Patient Sex": "sex", "Finding Labels": "findings",
}  # fmt: skip


@dataclass(frozen=True)
class ChestXray14:
    """The tree as NIH hands it out: ``images_001/images/*.png`` to ``images_012`` (or ``images/``), and the tables.

    ``Data_Entry_2017_v2020.csv`` (or ``Data_Entry_2017.csv``) tells whose each picture is. Pictures that are not there,
    as in a partial download, are left out and named.

    :param path: the folder with the table.
    :param split: fills the column ``split``. ``packhaeuser``: the patients of Packhaeuser et al. 2022, which Few-Shot
        Fingerprinting uses too; ``official``: NIH's lists, with a share of the training patients to validate on; null:
        no column. A subject on two sides keeps its scans on the first of test, val and train; the others are left out.
    :param split_folder: where the CSV files of Packhaeuser et al. are; ``csv_files`` below the path, or the path
        itself, unless given.
    :param val: with ``official``: share of all patients to validate on.
    :param least: leave out subjects with fewer pictures. Few-Shot Fingerprinting's released code has 2.
    """

    path: Path
    split: Literal["packhaeuser", "official"] | None = None
    split_folder: Path | None = None
    val: float = 0.1
    least: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.val < 1:
            raise ParameterError(f"chestxray14: val is a share, from 0 to 1; got {self.val}", key=("val",))

    @staticmethod
    def recognise(folder: Path) -> str:
        """See :class:`mlfp.interfaces.dataset.RecognisingDataset`: NIH's table."""
        return next((name for name in TABLES if (folder / name).is_file()), "")

    def table(self) -> ScanTable:
        """A row a picture, with what is odd about the tree in ``remarks``.

        :raises UsageError: there is no such folder, table, or split, or no picture.
        """
        remarks: list[Remark] = []
        pictures = self._pictures(remarks)
        frame = self._entries()
        frame = self._there(frame, pictures, remarks)
        remarks.extend(_contradictions(frame))
        if self.split is not None:
            frame = self._split(frame, remarks)
        sizes = frame["subject"].map(frame["subject"].value_counts())
        return ScanTable(frame[sizes >= self.least], source=str(self.path), remarks=remarks)

    def _pictures(self, remarks: list[Remark]) -> dict[str, str]:
        """Path of each picture by its name, as the table writes it."""
        listings = Listings(self.path)
        found: dict[str, str] = {}
        for folder, listing in walk(listings, depth=2):
            for name in listing.files:
                stem, _, ending = name.rpartition(".")
                if ending.lower() != "png":
                    continue
                file = join(folder, name)
                if ending != "png":
                    remarks.append(Remark("upper-case suffix", file, f"ends in .{ending}; used as it is"))
                if f"{stem}.png" in found:
                    remarks.append(Remark("picture twice", file, f"is {found[f'{stem}.png']} again; left out"))
                else:
                    found[f"{stem}.png"] = file
        listings.save()
        return {name: f"{listings.top}/{file}" for name, file in found.items()}

    def _entries(self) -> pd.DataFrame:
        path = next((self.path / name for name in TABLES if (self.path / name).is_file()), None)
        if path is None:
            there = [item.name for item in self.path.glob("*.csv")]
            raise UsageError(
                f"there is no {TABLES[0]} in {str(self.path)!r}",
                hints=[*nearest(TABLES[0], there), f"Tables there: {some(there) or 'none'}", f"Or: {TABLES[1]}"],
            )
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, usecols=lambda name: name in _COLUMNS)
        frame = frame.rename(columns=_COLUMNS)
        for column in ("scan", "subject"):
            if column not in frame:
                wanted = next(theirs for theirs, ours in _COLUMNS.items() if ours == column)
                raise UsageError(f"{path} has no column {wanted!r}")
        return frame.assign(modality="X-ray", dataset="ChestX-ray14")

    def _there(self, frame: pd.DataFrame, pictures: dict[str, str], remarks: list[Remark]) -> pd.DataFrame:
        repeated = frame["scan"].duplicated()
        remarks.extend(Remark("entry twice", scan, "the first is used") for scan in frame["scan"][repeated])
        frame = frame[~repeated]
        known = set(frame["scan"])
        remarks.extend(
            Remark("picture without entry", name, "the table does not say whose it is; left out")
            for name in pictures
            if name not in known
        )
        paths = frame["scan"].map(pictures)
        remarks.extend(Remark("missing picture", scan, "is in the table alone") for scan in frame["scan"][paths.isna()])
        frame = frame.assign(path=paths)[paths.notna()]
        if frame.empty:
            raise UsageError(
                f"none of the {len(known)} pictures in the table lies below {str(self.path)!r}",
                hints=["Expected: images_001/images/00000001_000.png, or images/00000001_000.png"],
            )
        return frame.reset_index(drop=True)

    def _split(self, frame: pd.DataFrame, remarks: list[Remark]) -> pd.DataFrame:
        if self.split == "packhaeuser":
            beside = self.path / "csv_files"
            folder = self.split_folder or (beside if beside.is_dir() else self.path)
            listed = patient_split.packhaeuser(folder)
        else:
            listed = patient_split.official(self.path)
        sides = patient_split.placed(listed, frame, remarks)
        frame, sides = patient_split.untorn(frame, sides, remarks)
        frame = frame.assign(split=sides)
        return self._validated(frame) if self.split == "official" and self.val else frame

    def _validated(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Some of the training patients to validate on, drawn by their names."""
        training = frame["split"] == "train"
        share = self.val * frame["subject"].nunique() / max(frame["subject"][training].nunique(), 1)
        table = ScanTable(frame[training], source=str(self.path))
        chosen = split_subjects(table, val=min(share, 0.5), test=0.0)
        return frame.assign(split=frame["split"].mask(frame["scan"].isin(table.scans[chosen.val]), "val"))


def _contradictions(frame: pd.DataFrame) -> Iterator[Remark]:
    """Pictures whose name has another patient's number than the table."""
    named = frame["scan"].str.extract(r"^0*(\d+)_\d+\.png$", expand=False)
    wrong = named.notna() & (named != frame["subject"].str.lstrip("0"))
    for scan, subject in frame.loc[wrong, ["scan", "subject"]].itertuples(index=False):
        yield Remark("id conflict", scan, f"is patient {subject}'s in the table, which counts")
