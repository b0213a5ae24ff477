"""The files behind the template. Light: the key of a scan needs no more.

nilearn ships them (ICBM 152 nonlinear symmetric 2009a; Fonov 2011, "Unbiased average age-appropriate atlases for
pediatric studies", NeuroImage 54) inside its wheel. They are read from there and never copied.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
from pathlib import Path

from mlfp.errors import MlfpError

_PATTERN = "mni_icbm152_{}_tal_nlin_sym_09a_converted.nii.gz"


def files() -> dict[str, Path]:
    """The files of nilearn that are read, found without importing nilearn.

    :raises MlfpError: nilearn, or one of them, is not there.
    """
    found = importlib.util.find_spec("nilearn")
    if found is None or found.origin is None:
        raise MlfpError("the phantom needs nilearn for its brain template", hints=["pip install nilearn"])
    folder = Path(found.origin).parent / "datasets" / "data"
    paths = {name: folder / _PATTERN.format(name) for name in ("t1", "gm", "wm")}
    for path in paths.values():
        if not path.is_file():
            raise MlfpError(
                "this nilearn ships no MNI152 map that the phantom knows",
                where=str(path),
                hints=["Versions 0.12 to 0.14 do: pip install 'nilearn<0.15'"],
            )
    return paths


@functools.cache
def digest() -> str:
    """A hash of the template's files: the phantom's voxels follow from them."""
    contents = (path.read_bytes() for path in files().values())
    return hashlib.sha256(b"".join(contents)).hexdigest()[:16]
