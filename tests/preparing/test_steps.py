from __future__ import annotations

import sys
from dataclasses import replace

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from mlfp.data import readers
from mlfp.errors import ParameterError, ScanError, UsageError
from mlfp.preparing.files import itk_text, write
from mlfp.preparing.intensities import standardised, without_outliers
from mlfp.preparing.names import Name, names_of
from mlfp.preparing.settings import Settings
from mlfp.preparing.steps import processed
from mlfp.preparing.stripping import command_of, mask_by_command, mask_of_file
from mlfp.types.scan_table import ScanTable
from mlfp.types.volume import Volume

PLAIN = Settings(register="none")


@pytest.fixture
def volume(head) -> Volume:
    return Volume(head()[np.newaxis], np.diag([3.0, 3.0, 3.0, 1.0]), "s")


@pytest.mark.parametrize("how", ["two-sided", "high", "zero"])
def test_five_percent_of_voxels_change_and_no_other_does(how):
    values = np.random.default_rng(0).permutation(2000).astype(np.float32).reshape(20, 10, 10)
    inside = values >= 1000
    found = without_outliers(values, inside, 0.05, how)
    changed = found != values
    assert abs(int(changed.sum()) - 50) <= 2
    assert not changed[~inside].any()
    low, high = values[changed].min(), values[changed].max()
    assert high == 1999
    assert (low > 1940) == (how == "high")
    assert (found[changed] == 0).all() == (how == "zero")


def test_z_scores_have_mean_0_and_deviation_1_inside_and_0_outside(head):
    values, inside = head(), head() > 0
    found = standardised(values, inside)
    assert found[inside].mean() == pytest.approx(0, abs=1e-5)
    assert found[inside].std() == pytest.approx(1, abs=1e-5)
    assert not found[~inside].any()
    with pytest.raises(ScanError, match="one value"):
        standardised(np.ones((3, 3, 3)), np.ones((3, 3, 3), bool))


def test_a_given_mask_bounds_all_that_is_done(head, volume):
    mask = np.zeros(head().shape, dtype=bool)
    mask[6:12, 8:14, 5:11] = True
    found = processed(volume, mask, PLAIN)
    assert not found.volume.data[0][~mask].any()
    assert found.volume.data[0][mask].std() == pytest.approx(1, abs=1e-4)
    assert found.brain is not None


@pytest.mark.parametrize(("axis", "along"), [("axial", 2), ("coronal", 1), ("sagittal", 0)])
def test_slices_lie_where_they_were_cut(axis, along, volume):
    whole = processed(volume, None, PLAIN).volume
    cut = processed(volume, None, replace(PLAIN, slice=axis, slices=3, step=2)).volume
    middle = whole.shape[along] // 2
    assert np.array_equal(cut.data, whole.data.take([middle - 2, middle, middle + 2], axis=along + 1))
    corner = cut.affine @ np.eye(4)[3]
    origin = np.eye(4)[3].copy()
    origin[along] = middle - 2
    assert np.allclose(corner, whole.affine @ origin)
    assert cut.spacing[along] == pytest.approx(6.0)


def test_the_middle_of_the_brain_is_not_that_of_the_grid(head):
    data = np.zeros((1, 12, 12, 20), dtype=np.float32)
    data[0, 3:9, 3:9, 12:17] = head()[4:10, 4:10, 6:11] + 50
    of_brain = processed(Volume(data, scan="s"), None, replace(PLAIN, slice="axial", position="brain")).volume
    assert of_brain.affine[2, 3] == 14
    given = processed(Volume(data, scan="s"), data[0] > 60, replace(PLAIN, slice="axial", position="brain"))
    assert given.brain is not None
    assert given.volume.affine[2, 3] == 14
    with pytest.raises(ScanError, match="leave its 20"):
        processed(Volume(data, scan="s"), None, replace(PLAIN, slice="axial", slices=30))


def test_files_hold_what_was_made(tmp_path, head, volume):
    made = processed(volume, head() > 0, replace(PLAIN, slice="axial"))
    name = Name("sub-1/anat", "sub-1", "T1w", "")
    main = write(tmp_path, name, made, replace(PLAIN, slice="axial"), {"digest": "d"})
    assert main == "slices/sub-1_desc-prepared_T1w.png"
    picture = readers.read(tmp_path / main).data[0]
    slab = readers.read(tmp_path / f"{name.stem}.nii.gz")
    assert np.allclose(slab.data, made.volume.data, atol=np.abs(made.volume.data).max() / 60000)
    assert np.allclose(slab.affine, made.volume.affine)
    assert np.corrcoef(picture.ravel(), slab.data[0, :, :, 0].T[::-1].ravel())[0, 1] > 0.999999
    assert readers.read(tmp_path / f"{name.mask}.nii.gz").data.max() == 1


def test_names_are_bids_and_never_shared():
    rows = [
        ("A_1", "1", "T1"),
        ("A1", "1", "T1"),
        ("a1", "1", "T1ce"),
        ("B", "", "t2"),
        ("B", "", "T2w"),
        ("C", "2", ""),
    ]
    frame = ScanTable(
        pd.DataFrame([{"scan": f"{n}", "subject": s, "session": t, "modality": m} for n, (s, t, m) in enumerate(rows)])
    )
    stems = [name.stem for name in names_of(frame, "MNI")]
    assert len({stem.casefold() for stem in stems}) == len(rows)
    assert stems[3] == "sub-B/anat/sub-B_run-1_space-MNI_desc-prepared_T2w"
    assert stems[5] == "sub-C/ses-2/anat/sub-C_ses-2_space-MNI_desc-prepared_image"
    assert "_ce-agent_" in stems[2]
    assert stems[2].endswith("_T1w")


def test_a_transform_is_written_in_the_axes_of_itk():
    matrix = np.array([[1, 0, 0, 5], [0, 1, 0, -7], [0, 0, 2, 9], [0, 0, 0, 1.0]])
    numbers = [float(text) for text in itk_text(matrix).splitlines()[3].split()[1:]]
    assert numbers == [1, 0, 0, 0, 1, 0, 0, 0, 2, -5, 7, 9]


def test_a_program_finds_the_brain(tmp_path, head, volume):
    tool = tmp_path / "keep-left.py"
    tool.write_text(
        "import sys, nibabel as nib, numpy as np\n"
        "image = nib.load(sys.argv[1]); data = np.array(image.dataobj); data[9:] = 0\n"
        "nib.save(nib.Nifti1Image(data, image.affine), sys.argv[2])\n",
        encoding="utf-8",
    )
    words = command_of(f"{sys.executable} {tool} {{input}} {{output}}")
    found = mask_by_command(volume, words)
    assert np.array_equal(found, (head() != 0) & (np.arange(18) < 9)[:, None, None])
    tool.write_text("import sys; sys.exit('no licence')", encoding="utf-8")
    with pytest.raises(ScanError, match="exit code 1: no licence"):
        mask_by_command(volume, words)


def test_commands_are_checked_before_any_scan():
    with pytest.raises(UsageError, match="should name"):
        command_of("strip {input}")
    with pytest.raises(UsageError, match="no program 'no-such-tool'"):
        command_of("no-such-tool {input} {mask}")


def test_a_mask_on_another_grid_is_brought_to_the_scan(tmp_path, head, volume):
    fine = np.repeat(np.repeat(np.repeat(head() > 0, 3, 0), 3, 1), 3, 2).astype(np.uint8)
    affine = np.diag([1.0, 1.0, 1.0, 1.0])
    affine[:3, 3] = -1.0
    nib.save(nib.Nifti1Image(fine, affine), tmp_path / "mask.nii.gz")
    assert np.array_equal(mask_of_file(tmp_path / "mask.nii.gz", volume), head() > 0)
    with pytest.raises(ScanError, match="its mask cannot be used"):
        mask_of_file(tmp_path / "none.nii.gz", volume)


def test_settings_out_of_range_are_refused():
    for wrong in ({"outlier_share": 0.0}, {"spacing": -1.0}, {"slices": 0}):
        with pytest.raises(ParameterError):
            replace(PLAIN, **wrong).check()
    with pytest.raises(UsageError, match="given or found"):
        replace(PLAIN, mask="m", strip="bet").check()
    assert replace(PLAIN, seed=1).key != PLAIN.key
