"""The authors' own program, where a user has it: featExtract of 3D SIFT-Rank."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import nibabel as nib
import numpy as np

from mlfp.errors import MlfpError, ParameterError
from mlfp_plugins.sift.descriptors import length, ranked
from mlfp_plugins.sift.extract import Features

#: Columns of a key file before the descriptor: place and scale, three axes, three eigenvalues, flags.
LEADING = 4 + 9 + 3 + 1
#: The flag of a descriptor that was taken in its dominant frame.
REORIENTED = 0x20


def extract(program: str, image: np.ndarray, *, oriented: bool) -> Features:
    """Keypoints of a volume as ``program IMAGE KEYS`` finds them, the largest first.

    It writes the same keypoints twice, as they lie and in their dominant frames.

    :param image: ``(I, J, K)``.
    :param oriented: which of the two.
    :raises ParameterError: no such program, or a picture: it reads volumes.
    :raises MlfpError: the program fails, or writes no key file.
    """
    if not Path(program).is_file():
        raise ParameterError(f"no program at {program}", key=("binary",), hints=["It should be featExtract itself."])
    if image.ndim != 3:
        raise ParameterError("featExtract reads volumes, not pictures", key=("binary",), hints=["Leave binary out."])
    with tempfile.TemporaryDirectory() as folder:
        given, keys = Path(folder, "image.nii"), Path(folder, "image.key")
        nib.save(nib.Nifti1Image(image.astype(np.float32), np.eye(4)), given)
        done = _run([str(Path(program).resolve()), str(given), str(keys)], folder)
        if done.returncode or not keys.is_file():
            wrote = "" if keys.is_file() else " and wrote no key file"
            said = (done.stderr or done.stdout).strip().splitlines()
            raise MlfpError(f"{program} ended with {done.returncode}{wrote}", hints=said[-3:])
        return read_keys(keys, oriented=oriented)


def read_keys(path: Path, *, oriented: bool) -> Features:
    """A key file: lines of comment and of what the columns are, then a line of numbers a keypoint.

    :raises MlfpError: lines of another length.
    """
    lines = [line.split() for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    rows = [line for line in lines if line and line[0].lstrip("-")[:1].isdigit()]
    wanted = LEADING + length(3)
    odd = [len(row) for row in rows if len(row) != wanted]
    if odd:
        raise MlfpError(f"a keypoint should have {wanted} numbers, found {odd[0]}", where=str(path))
    table = np.array(rows, dtype=np.float64).reshape(-1, wanted)
    turned = (table[:, LEADING - 1].astype(int) & REORIENTED) > 0
    table = table[turned == oriented]
    table = table[np.argsort(-table[:, 3], kind="stable")]
    return Features(ranked(table[:, LEADING:]), table[:, :3], table[:, 3], table[:, 3])


def _run(command: list[str], folder: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except OSError as error:
        raise ParameterError(f"{command[0]} cannot be run: {error.strerror}", key=("binary",)) from error
