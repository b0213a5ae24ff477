from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import torch
from mlfp_plugins.scorers import headers
from mlfp_plugins.scorers.header_only import HeaderOnly
from PIL import Image

from mlfp.errors import ParameterError, UsageError
from mlfp.types.scan_table import ScanTable

SHAPE, AFFINE = (4, 5, 6), np.diag([1.0, 2.0, 3.0, 1.0])


def volume(
    folder: Path, name: str, shape: tuple[int, ...] = SHAPE, affine: np.ndarray = AFFINE, dtype: str = "int16"
) -> str:
    path = folder / f"{name}.nii.gz"
    nib.Nifti1Image(np.zeros(shape, dtype=dtype), affine).to_filename(path)
    return str(path)


def table(paths: list[str], **columns: list[str]) -> ScanTable:
    rows = {"scan": [f"{place}" for place in range(len(paths))], "subject": "s", "path": paths, **columns}
    return ScanTable(pd.DataFrame(rows))


def agreements(scans: ScanTable, scorer: HeaderOnly | None = None) -> list[float]:
    """Of the first with the others."""
    scorer = scorer or HeaderOnly()
    described = scorer.describe_table(scans)
    found: list[float] = scorer.score(described[:1], described[1:])[0].tolist()
    return found


def test_agreements_worked_by_hand(tmp_path: Path) -> None:
    moved = AFFINE.copy()
    moved[:3, 3] = [0, 6, 8]
    paths = [
        volume(tmp_path, "first"),
        volume(tmp_path, "same"),
        volume(tmp_path, "moved", affine=moved),
        volume(tmp_path, "kind", dtype="float32"),
    ]
    # Moved by 10 mm counts half; three of four facts agree where the kind of number differs.
    assert agreements(table(paths)) == pytest.approx([1, (3 + 0.5) / 4, 3 / 4])


def test_shape_and_voxels_count_apart(tmp_path: Path) -> None:
    """Twice the voxels of half the size: the corners lie nearly where they lay."""
    finer = volume(tmp_path, "finer", shape=(8, 5, 6), affine=np.diag([0.5, 2.0, 3.0, 1.0]))
    assert agreements(table([volume(tmp_path, "first"), finer]))[0] == pytest.approx(2 / 4, abs=0.02)


def test_pixels_do_not_matter(tmp_path: Path) -> None:
    paths = []
    for number in range(2):
        paths.append(str(tmp_path / f"{number}.nii"))
        nib.Nifti1Image(np.full(SHAPE, number, dtype=np.int16), AFFINE).to_filename(paths[-1])
    assert agreements(table(paths)) == [1]


def test_pictures_have_a_size_and_perhaps_dots(tmp_path: Path) -> None:
    picture = Image.fromarray(np.zeros((20, 30), dtype=np.uint8))
    picture.save(tmp_path / "plain.png")
    picture.save(tmp_path / "dots.png", dpi=(254, 127))
    plain, dots = (headers.read(str(tmp_path / f"{name}.png")) for name in ("plain", "dots"))
    assert plain[:6].tolist() == [20, 30, 1, 1, 1, 1]
    np.testing.assert_allclose(dots[3:6], [0.2, 0.1, 1], rtol=1e-3)
    scores = agreements(table([str(tmp_path / "plain.png"), str(tmp_path / "dots.png")]))
    assert 0.5 < scores[0] < 0.75


def test_columns_count_too_and_suffice_without_files() -> None:
    scans = table(["", "", ""], site=["a", "a", "b"], coil=["x", "y", "y"])
    scores = agreements(scans, HeaderOnly(columns=["site", "coil"]))
    assert scores == pytest.approx([5 / 6, 4 / 6])


def test_scans_without_files_are_refused() -> None:
    with pytest.raises(UsageError, match="without a file") as caught:
        HeaderOnly().describe_table(table([""]))
    assert "columns: [site]" in str(caught.value)


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="no column 'siet'"):
        HeaderOnly(columns=["siet"]).describe_table(table([""], site=["a"]))
    broken = tmp_path / "broken.nii.gz"
    broken.write_bytes(b"no header")
    for path in (broken, tmp_path / "gone.png"):
        with pytest.raises(UsageError, match="header cannot be read") as caught:
            HeaderOnly().describe_table(table([str(path)]))
        assert caught.value.where == str(path)


def test_descriptions_are_apart_from_the_block(tmp_path: Path) -> None:
    scans = table([volume(tmp_path, f"{place}", shape=(place + 2, 5, 6)) for place in range(3)])
    described = HeaderOnly().describe_table(scans)
    assert torch.equal(HeaderOnly().describe_table(scans.select([1]))[0], described[1])
