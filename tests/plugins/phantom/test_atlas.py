"""The template's files are found, without importing nilearn."""

from __future__ import annotations

import subprocess
import sys

import pytest
from mlfp_plugins.phantom import atlas
from mlfp_plugins.phantom.atlas import files

from mlfp.errors import MlfpError


def test_nilearn_itself_is_not_imported() -> None:
    code = "import sys; from mlfp_plugins.phantom.atlas import files; files(); print('nilearn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_missing_map_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atlas, "_PATTERN", "mni_of_the_future_{}.nii.gz")
    with pytest.raises(MlfpError, match="mni_of_the_future_t1") as caught:
        files()
    assert any("pip install" in hint for hint in caught.value.hints)


def test_files_are_there() -> None:
    assert all(path.stat().st_size > 1e6 for path in files().values())
