"""The brain without its skull: by a mask that is there, or by a program that finds one."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

import nibabel as nib
import numpy as np

from mlfp.data import readers
from mlfp.errors import ScanError, UsageError
from mlfp.preparing.registration import place
from mlfp.types.volume import Volume

#: Programs known by name. Each is the user's to install, with its own licence and weights.
TOOLS = {
    "hd-bet": "hd-bet -i {input} -o {output} -device cpu --disable_tta",
    "synthstrip": "mri_synthstrip -i {input} -o {output} -m {mask}",
    "bet": "bet {input} {output} -R",
}
#: What a command may name: the scan it is given, and the files it is to write, one of them or both.
_FIELDS = ("input", "output", "mask")


def command_of(text: str) -> list[str]:
    """The words of a command: a known tool by its name, or a template such as ``hd-bet -i {input} -o {output}``.

    :raises UsageError: it names no input or no result, or its program is not there.
    """
    words = shlex.split(TOOLS.get(text, text))
    named = [field for field in _FIELDS if any(f"{{{field}}}" in word for word in words)]
    if "input" not in named or len(named) < 2:
        raise UsageError(
            f"the command {text!r} should name {{input}}, and {{output}} or {{mask}}",
            hints=[
                "Such as 'hd-bet -i {input} -o {output}': both are NIfTI files; the output shows the brain, 0 around.",
                f"Or one of the tools known by name: {', '.join(TOOLS)}",
            ],
        )
    if shutil.which(words[0]) is None:
        raise UsageError(
            f"there is no program {words[0]!r}",
            hints=["Install it, or give its path.", "Or give masks that you have: --mask COLUMN"],
        )
    return words


def mask_by_command(volume: Volume, words: list[str]) -> np.ndarray:
    """(I, J, K) bool: the brain that a program finds in the first channel.

    :param words: see :func:`command_of`.
    :raises ScanError: the program fails on this scan, or finds nothing.
    """
    with tempfile.TemporaryDirectory(prefix="mlfp-") as name:
        folder = Path(name)
        files = {field: str(folder / f"{field}.nii.gz") for field in _FIELDS}
        image = nib.nifti1.Nifti1Image(volume.data[0].astype(np.float32), volume.affine)
        nib.save(image, files["input"])
        filled = [_filled(word, files) for word in words]
        done = subprocess.run(filled, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise ScanError(f"{words[0]} failed with exit code {done.returncode}: {said[-1] if said else 'no word'}")
        result = files["mask"] if Path(files["mask"]).is_file() else files["output"]
        if not Path(result).is_file():
            raise ScanError(f"{words[0]} wrote neither its output nor a mask")
        return mask_of_file(Path(result), volume)


def mask_of_file(path: Path, volume: Volume) -> np.ndarray:
    """(I, J, K) bool on the volume's grid: where the file is not 0.

    :raises ScanError: it cannot be read, or marks nothing of the scan.
    """
    try:
        found = readers.read(path)
    except ScanError as error:
        raise ScanError(f"its mask cannot be used: {error.what}", where=str(path), hints=error.hints) from error
    marked = found.with_data((found.data != 0).astype(np.float32))
    if found.shape != volume.shape or not np.allclose(found.affine, volume.affine, atol=1e-3):
        marked = place(marked, np.eye(4), volume, order=0, fill=0.0)
    inside: np.ndarray = marked.data[0] > 0.5
    if not inside.any():
        raise ScanError("its mask marks no voxel of it", where=str(path))
    return inside


def _filled(word: str, files: dict[str, str]) -> str:
    for field, path in files.items():
        word = word.replace(f"{{{field}}}", path)
    return word
