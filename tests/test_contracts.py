"""Every built-in component keeps the contract of its kind, and none is left out."""

from __future__ import annotations

import os
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from mlfp.errors import ComponentImportError
from mlfp.hookspecs import KINDS
from mlfp.plugins import PluginHost
from mlfp.registry import Component
from mlfp.testing.components import CHECKED, check_component


def _built_ins() -> PluginHost:
    host = PluginHost(only=(), strict=True)
    host.discover()
    return host


HOST = _built_ins()


@pytest.fixture(scope="module")
def data_sets(tmp_path_factory, trees) -> dict[str, dict[str, Any]]:
    """Small trees for the data sets that read one."""
    top = tmp_path_factory.mktemp("trees")
    phantom = {"use": "phantom", "subjects": 2, "sessions": 1, "spacing": 5.0}
    return {
        "mlfp/adni": {"path": str(trees.adni(top / "adni", subjects=1))},
        "mlfp/bids": {"path": str(trees.bids(top / "bids", subjects=1))},
        "mlfp/brats2021": {"path": str(trees.brats2021(top / "brats", subjects=1))},
        "mlfp/chestxray14": {"path": str(trees.chest(top / "chest", patients=2))},
        "mlfp/dicom": {"path": str(trees.dicom(top / "dicom", subjects=1, sessions=1))},
        "mlfp/synt-contr": {"dataset": phantom, "store": str(top / "stored")},
        "mlfp/warped": {"dataset": phantom, "originals": False},
    }


def _small_template(folder):
    data = np.zeros((20, 24, 18), np.float32)
    data[5:15, 6:18, 5:14] = 100
    nib.save(nib.Nifti1Image(data, np.diag([2.0, 2.0, 2.0, 1.0])), folder / "small.nii.gz")
    return folder / "small.nii.gz"


@pytest.fixture
def examples(tmp_path, monkeypatch, data_sets) -> dict[str, dict[str, Any]]:
    """What components need that have parameters without a default, or are slow with those they have."""
    scan = tmp_path / "s1" / "1" / "T1.png"
    scan.parent.mkdir(parents=True)
    scan.write_bytes(b"not read by the contract")
    manifest = tmp_path / "scans.csv"
    pd.DataFrame({"path": ["s1/1/T1.png"], "subject": ["s1"]}).to_csv(manifest, index=False)
    bet = tmp_path / "bin" / "bet"  # a program to strip skulls, which takes all for brain
    bet.parent.mkdir()
    bet.write_text('#!/bin/sh\ncp "$1" "$2"\n', encoding="utf-8")
    bet.chmod(0o755)
    monkeypatch.setenv("PATH", str(bet.parent), prepend=os.pathsep)
    return {
        **data_sets,
        "mlfp/manifest": {"path": str(manifest)},
        "mlfp/folder": {"path": str(tmp_path), "template": "{subject}/{session}/{modality}.png"},
        "mlfp/phantom": {"subjects": 2, "sessions": 2, "spacing": 5.0},
        "mlfp/resample": {"spacing": 3.0},
        "mlfp/normalise": {"mean": 0.5, "deviation": 0.25},
        "mlfp/resize": {"shape": 16},
        "mlfp/pad": {"shape": 16},
        "mlfp/slice": {"axis": "axial"},
        "mlfp/register": {"template": str(_small_template(tmp_path)), "voxel": 6.0},
        "mlfp/skull-strip": {"tool": "bet"},
        "mlfp/fsf-released-3d": {"stem_stride": 2},
        "mlfp/resnet10-3d": {"width": 0.25},
        "mlfp/resnet18-3d": {"width": 0.25},
        "mlfp/resnet34-3d": {"width": 0.25},
        "mlfp/resnet50-3d": {"width": 0.25},
        "mlfp/slices": {"encoder": {"use": "compact-2d"}},
    }


#: The scorer that is a model has one for pictures or for volumes: tests/plugins/scorers/test_model.py checks both.
_ELSEWHERE = {("scorer", "mlfp/model"), ("scorer", "mlfp/verified")}


@pytest.mark.parametrize(
    "component",
    [item for item in HOST.registry.components() if (item.kind, item.id) not in _ELSEWHERE],
    ids=lambda item: f"{item.kind}:{item.id}",
)
def test_built_in(component: Component, examples):
    if component.extras:
        try:
            component.load()
        except ComponentImportError as error:
            pytest.skip(str(error))
    check_component(HOST.registry, component, examples.get(component.id))


def test_every_kind_has_a_contract():
    assert set(KINDS) == CHECKED


def test_every_kind_but_those_of_later_issues_has_a_built_in():
    offered = {item.kind for item in HOST.registry.components()}
    assert set(KINDS) - offered <= {"model"}


def test_examples_are_of_components_that_are_there(examples):
    assert set(examples) <= {item.id for item in HOST.registry.components()}
