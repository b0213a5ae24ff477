"""Data sets made of other data sets: SYNT-CONTR and warped identities."""

from __future__ import annotations

import pickle
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from mlfp_plugins.datasets.synt_contr import SyntContr
from mlfp_plugins.datasets.warped import Warped
from mlfp_plugins.preprocessors.synthetic_contrast import SyntheticContrast

from mlfp.data.files import key_of, read_row
from mlfp.data.inspect import inspect
from mlfp.data.splits import split_subjects
from mlfp.errors import ParameterError, ScanError
from mlfp.plugins import registry
from mlfp.testing.datasets import check_dataset
from mlfp.types.spec import Spec

PHANTOM = Spec("phantom", {"subjects": 3, "sessions": 2, "spacing": 5.0})


@pytest.fixture
def tree(trees: ModuleType, tmp_path: Path) -> Spec:
    return Spec("brats2021", {"path": str(trees.brats2021(tmp_path / "brats", subjects=2))})


def test_synt_contr_is_the_preprocessor_once_and_stored(tree: Spec, tmp_path: Path) -> None:
    dataset = SyntContr(tree, negative=0.5, shift=0.25, store=tmp_path / "made")
    check_dataset(dataset)
    table, base = dataset.table(), registry().build("dataset", tree)
    assert list(table.scans) == list(base.table().scans)
    assert set(table.column("dataset")) == {"synt-contr"}
    inverted = 0
    for row in table:
        volume, source = dataset.read(row), read_row(base, row)
        expected = SyntheticContrast(negative=0.5, shift=0.25)(source)
        assert np.allclose(volume.data, expected.data, rtol=1e-6, atol=1e-3)
        assert np.allclose(volume.affine, source.affine)
        inverted += bool(np.corrcoef(volume.data.ravel(), source.data.ravel())[0, 1] < 0)
    assert 0 < inverted < len(table)
    assert len(list((tmp_path / "made").glob("*.nii.gz"))) == len(table)
    assert not list((tmp_path / "made").glob(".making*"))


def test_what_is_stored_is_read_and_not_made_again(tree: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = SyntContr(tree, store=tmp_path / "made")
    row = dataset.table().row(0)
    first = dataset.read(row)
    monkeypatch.setattr(SyntheticContrast, "__call__", None)
    assert np.array_equal(pickle.loads(pickle.dumps(dataset)).read(row).data, first.data)


def test_keys_of_synt_contr_tell_what_decides_the_pixels(tree: Spec, tmp_path: Path) -> None:
    row = SyntContr(tree).table().row(0)
    keys = {SyntContr(tree).key(row), SyntContr(tree, seed=1).key(row), SyntContr(tree, shift=0.1).key(row)}
    assert len(keys) == 3
    with pytest.raises(ScanError, match="has no scan"):
        SyntContr(tree).key({"scan": "other"})
    with pytest.raises(ParameterError, match="probability"):
        SyntContr(tree, negative=2)


def test_pictures_are_stored_too(trees: ModuleType, tmp_path: Path) -> None:
    base = Spec("chestxray14", {"path": str(trees.chest(tmp_path / "chest", patients=2))})
    dataset = SyntContr(base, store=tmp_path / "made")
    check_dataset(dataset)
    assert dataset.read(dataset.table().row(0)).data.shape == (1, 48, 48)


def test_what_is_wrong_with_the_other_data_set_stays_said(tree: Spec) -> None:
    top = Path(tree.parameters["path"])
    (top / "BraTS2021_00000/BraTS2021_00000_t1.nii.gz").unlink()
    (top / "BraTS2021_00001/BraTS2021_00001_t2.nii.gz").write_bytes(b"")
    for dataset in (SyntContr(tree), Warped(tree)):
        table = dataset.table()
        assert [item.kind for item in table.remarks] == ["missing modality"]
        failures = inspect(table, dataset).failures
        assert {item.scan.partition("~")[0] for item in failures} == {"BraTS2021_00001_t2"}


def test_warped_adds_people_who_stay_with_whom_they_come_from() -> None:
    dataset = Warped(PHANTOM, copies=2)
    check_dataset(dataset)
    table = dataset.table()
    assert len(table) == 6 * 3
    assert len(set(table.subjects)) == 9
    assert set(table.column("group")) == {"P0000", "P0001", "P0002"}
    split = split_subjects(table, by="group", val=0.0, test=0.34)
    assert set(table.column("group")[split.test]) & set(table.column("group")[split.train]) == set()
    assert len(Warped(PHANTOM, copies=2, originals=False).table()) == 12


def test_a_warp_is_strong_the_same_in_all_scans_of_a_person_and_no_other() -> None:
    dataset = Warped(PHANTOM, strength=10)
    rows = {row["scan"]: row for row in dataset.table()}
    old = [dataset.read(rows[f"P0000_S{session}_T1"]).data for session in (0, 1)]
    new = [dataset.read(rows[f"P0000_S{session}_T1~1"]).data for session in (0, 1)]
    other = dataset.read(rows["P0001_S0_T1~1"]).data

    def alike(first: np.ndarray, second: np.ndarray) -> float:
        return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])

    # Two sessions of one person stay alike; the warped person is no more like the old one than a stranger is.
    assert alike(*new) > alike(old[0], new[0]) + 0.1
    assert alike(*new) > alike(new[0], other) + 0.1
    moved = dataset._displacement("P0000", "1", 3).numpy() * 10
    assert 4 < np.sqrt((moved**2).mean()) < 20


def test_a_warp_does_not_fold() -> None:
    from mlfp_plugins.augmentations.identity_warp import squeeze

    for copy in "123":
        assert squeeze(Warped(PHANTOM, strength=14)._displacement("P0000", copy, 3)).min() > 0


def test_the_same_warp_whatever_the_grid_and_place(trees: ModuleType, tmp_path: Path) -> None:
    """A scan on another grid, further off in the scanner, is the same person."""
    import nibabel as nib
    import pandas as pd
    from scipy import ndimage

    data, affine = trees.phantom(0)
    finer = ndimage.zoom(data, 2, order=1, grid_mode=True, mode="nearest")
    half = affine @ np.diag([0.5, 0.5, 0.5, 1.0])
    half[:3, 3] = affine[:3, 3] - 0.25 * np.diag(affine)[:3] + 40
    nib.save(nib.Nifti1Image(data, affine), tmp_path / "coarse.nii.gz")
    nib.save(nib.Nifti1Image(finer, half), tmp_path / "fine.nii.gz")
    pd.DataFrame({"path": ["coarse.nii.gz", "fine.nii.gz"], "subject": ["a", "a"]}).to_csv(
        tmp_path / "scans.csv", index=False
    )
    dataset = Warped(Spec("manifest", {"path": str(tmp_path / "scans.csv")}), originals=False, strength=10)
    coarse, fine = (dataset.read(row) for row in dataset.table())
    again = fine.data[0].reshape(*(part for size in data.shape for part in (size, 2))).mean((1, 3, 5))
    assert np.corrcoef(again.ravel(), coarse.data.ravel())[0, 1] > 0.98
    assert np.corrcoef(data.ravel(), coarse.data.ravel())[0, 1] < 0.9


def test_pictures_are_warped_by_fractions(trees: ModuleType, tmp_path: Path) -> None:
    base = Spec("chestxray14", {"path": str(trees.chest(tmp_path / "chest", patients=2))})
    dataset = Warped(base, unit="fraction", strength=0.05, smoothness=0.2)
    rows = {row["scan"]: row for row in dataset.table()}
    old, new = (dataset.read(rows[f"00000001_000.png{end}"]).data for end in ("", "~1"))
    assert old.shape == new.shape
    assert np.abs(old - new).mean() > 1


def test_keys_of_warped_scans() -> None:
    rows = {row["scan"]: row for row in Warped(PHANTOM).table()}
    base = registry().build("dataset", PHANTOM)
    assert Warped(PHANTOM).key(rows["P0000_S0_T1"]) == key_of(base, rows["P0000_S0_T1"])
    one = rows["P0000_S0_T1~1"]
    assert len({Warped(PHANTOM).key(one), Warped(PHANTOM, seed=1).key(one), Warped(PHANTOM, strength=9).key(one)}) == 3


def test_what_is_wrong_is_said() -> None:
    for name, value in (("copies", 0), ("strength", 0), ("smoothness", 5)):
        with pytest.raises(ParameterError, match=name):
            Warped(PHANTOM, **{name: value})
    with pytest.raises(ParameterError) as caught:
        Warped(Spec("nobody")).table()
    assert caught.value.key[0] == "dataset"
