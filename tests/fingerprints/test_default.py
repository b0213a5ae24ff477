from __future__ import annotations

import shutil

import nibabel
import numpy as np
import pandas as pd
import pytest

from mlfp import api
from mlfp.data.locate import locate
from mlfp.errors import UsageError
from mlfp.fingerprints.default import DEFAULTS, default_model
from mlfp.fingerprints.locate import model_file
from mlfp.leaks import between
from mlfp.types.spec import Spec


def test_volumes_have_the_model_in_the_box_and_it_is_said_why():
    said = []
    found = default_model(Spec("phantom", {"subjects": 2, "spacing": 5.0}), said.append)
    assert found == model_file("brain-v1")
    (line,) = said
    assert "brain-v1" in line
    assert "volumes" in line
    assert "heads in MRI" in line


def test_one_bad_file_does_not_decide(tmp_path):
    (tmp_path / "a.nii.gz").write_bytes(b"cut short")
    nibabel.save(nibabel.nifti1.Nifti1Image(np.ones((8, 9, 10), np.float32), np.eye(4)), tmp_path / "b.nii.gz")
    pd.DataFrame({"path": ["a.nii.gz", "b.nii.gz"], "subject": ["1", "2"]}).to_csv(tmp_path / "scans.csv", index=False)
    said = []
    assert default_model(locate(str(tmp_path)), said.append) == model_file("brain-v1")
    assert "8 x 9 x 10" in said[0]


def test_for_pictures_there_is_none_and_it_is_said_what_to_do(small_store, tmp_path):
    scans = small_store.pictures(tmp_path)
    for call in (lambda: api.embed(scans), lambda: api.leaks(scans, out=tmp_path / "found")):
        with pytest.raises(UsageError, match="none in the box for pictures") as failed:
            call()
        assert any("mlfp train" in hint for hint in failed.value.hints)
        assert any("brain-v1" in hint for hint in failed.value.hints)


def test_data_beside_a_store_are_embedded_with_its_model(small_store, tmp_path):
    small_store.model().save(tmp_path / "model" / "model.safetensors")
    scans = small_store.pictures(tmp_path / "a", seed=1)
    api.embed(scans, model=tmp_path / "model", out=tmp_path / "store")
    shutil.rmtree(tmp_path / "model")
    said = []
    other = small_store.pictures(tmp_path / "b", seed=2)
    named, folders = between.stores([tmp_path / "store", other], out=tmp_path / "out", model=None, announce=said.append)
    assert named[0][1].model == named[1][1].model
    assert str(tmp_path / "store") in said[0]
    again = []
    between.stores([other], out=tmp_path / "out", model=None, announce=again.append)
    assert str(folders[1]) in again[0], "what was embedded below the results goes on with its own model"


def test_every_default_is_a_model_of_those_dimensions():
    from mlfp.plugins import registry

    for dims, (name, _) in DEFAULTS.items():
        assert dims in registry().find("model", name).dims
