"""Folders whose paths tell what the scans are."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlfp_plugins.datasets.folder import Folder

from mlfp.errors import ParameterError, UsageError


def make(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    return folder


def test_the_default_template_reads_subject_session_and_modality(tmp_path: Path) -> None:
    make(tmp_path, "007/a/T1.nii.gz", "007/b/T2.nii.gz", "008/a/T1.nii.gz", "008/a/notes.txt", "readme.nii.gz")
    table = Folder(tmp_path).table()
    assert list(table.scans) == ["007/a/T1.nii.gz", "007/b/T2.nii.gz", "008/a/T1.nii.gz"]
    assert list(table.subjects) == ["007", "007", "008"]
    assert list(table.column("session")) == ["a", "b", "a"]
    assert list(table.column("modality")) == ["T1", "T2", "T1"]
    assert list(table.column("path")) == [str(tmp_path / scan) for scan in table.scans]


def test_a_column_that_comes_twice_must_agree_as_in_bids(tmp_path: Path) -> None:
    make(
        tmp_path,
        "sub-01/ses-1/anat/sub-01_ses-1_T1w.nii.gz",
        "sub-02/ses-1/anat/sub-99_ses-1_T1w.nii.gz",
        "sub-03/ses-1/func/sub-03_ses-1_bold.nii.gz",
    )
    template = "sub-{subject}/ses-{session}/anat/sub-{subject}_ses-{session}_{modality}.nii.gz"
    table = Folder(tmp_path, template).table()
    assert list(table.subjects) == ["01"]
    assert table.row(0)["modality"] == "T1w"


def test_within_a_name_the_last_border_splits_and_stars_tell_nothing(tmp_path: Path) -> None:
    make(tmp_path, "x1/TCGA_CS_4941_T1.png", "x2/TCGA_CS_5000_T2.png", "x2/.hidden_T1.png")
    table = Folder(tmp_path, "*/{subject}_{modality}.png").table()
    assert list(table.subjects) == ["TCGA_CS_4941", "TCGA_CS_5000"]
    assert list(table.column("modality")) == ["T1", "T2"]


def test_signs_in_a_template_mean_themselves(tmp_path: Path) -> None:
    make(tmp_path, "a+b/x(1).png", "aab/x(1).png", "a+b/x(1)xpng")
    assert list(Folder(tmp_path, "a+b/{subject}(1).png").table().subjects) == ["x"]


def test_links_are_followed(tmp_path: Path) -> None:
    make(tmp_path / "store", "1.nii.gz")
    (tmp_path / "tree/A/s").mkdir(parents=True)
    (tmp_path / "tree/A/s/T1.nii.gz").symlink_to(tmp_path / "store/1.nii.gz")
    assert list(Folder(tmp_path / "tree").table().subjects) == ["A"]


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    make(tmp_path, "A/one.png", "B/two.png")
    with pytest.raises(UsageError, match="no file below") as caught:
        Folder(tmp_path, "{subject}/{modality}.nii.gz").table()
    assert "A/one.png, B/two.png" in str(caught.value)
    with pytest.raises(UsageError, match="there is no folder"):
        Folder(tmp_path / "C").table()
    with pytest.raises(ParameterError, match="where the subject stands") as error:
        Folder(tmp_path, "{patient}/{modality}.png").table()
    assert error.value.key == ("template",)
