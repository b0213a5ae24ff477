"""What is written of a scan: image, mask, transform, picture, and a sidecar that says it is done."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from PIL import Image

from mlfp.execution.files import write_atomically
from mlfp.preparing.names import Name
from mlfp.preparing.settings import AXES, Settings
from mlfp.preparing.steps import Product

#: The folder of single slices as pictures.
SLICES = "slices"
_LARGEST = {"int16": 32767, "uint16": 65535}


def write(folder: Path, name: Name, product: Product, settings: Settings, about: Mapping[str, Any]) -> str:
    """Write a product's files, the sidecar last; gives the path below ``folder`` that a manifest should name.

    :param about: what the sidecar says besides.
    """
    stem = folder / name.stem
    stem.parent.mkdir(parents=True, exist_ok=True)
    volume = product.volume
    if volume.spatial_dims == 3:
        _write_volume(stem.with_name(stem.name + ".nii.gz"), volume.data[0], volume.affine)
        main = f"{name.stem}.nii.gz"
    else:
        main = f"{name.stem}.png"
        _write_picture(folder / main, volume.data[0])
    if product.brain is not None:
        mask = nib.nifti1.Nifti1Image(product.brain.astype(np.uint8), volume.affine)
        _write_nifti(folder / f"{name.mask}.nii.gz", mask)
    if product.matrix is not None:
        write_atomically(folder / f"{name.transform}.txt", itk_text(product.matrix).encode())
    if settings.slice != "none" and settings.slices == 1:
        main = f"{SLICES}/{name.stem.rpartition('/')[2]}.png"
        _write_picture(folder / main, upright(volume.data[0], settings))
    fit = None if np.isnan(product.fit) else round(product.fit, 4)
    told = {**about, "path": main, "registered": product.registered, "fit": fit}
    write_atomically(sidecar(folder, name), json.dumps(told, indent=2).encode())
    return main


def sidecar(folder: Path, name: Name) -> Path:
    """The file that says how a scan was made; it is there when the scan is done."""
    return folder / f"{name.stem}.json"


def upright(slab: np.ndarray, settings: Settings) -> np.ndarray:
    """The one slice of (I, J, K) as a picture: front or top of the head at the top, the subject's left at the left."""
    found: np.ndarray = slab.take(0, axis=AXES[settings.slice]).T[::-1]
    return found


def itk_text(matrix: np.ndarray) -> str:
    """A transform as ITK, ANTs and Slicer read it: mm of the template to mm of the scan, in LPS.

    :param matrix: (4, 4), RAS.
    """
    flip = np.diag([-1.0, -1.0, 1.0, 1.0])
    lps = flip @ matrix @ flip
    numbers = " ".join(f"{value:.10g}" for value in [*lps[:3, :3].ravel(), *lps[:3, 3]])
    return (
        "#Insight Transform File V1.0\n#Transform 0\nTransform: AffineTransform_double_3_3\n"
        f"Parameters: {numbers}\nFixedParameters: 0 0 0\n"
    )


def _write_volume(path: Path, data: np.ndarray, affine: np.ndarray) -> None:
    """As int16 with a slope, half the size of float32: 0 stays 0, others move by 1 / 65534 of the largest at most."""
    slope = float(np.abs(data).max()) / _LARGEST["int16"]
    image = nib.nifti1.Nifti1Image(np.rint(data / slope).astype(np.int16), affine)
    image.header.set_slope_inter(slope, 0)
    _write_nifti(path, image)


def _write_nifti(path: Path, image: nib.nifti1.Nifti1Image) -> None:
    image.header.set_xyzt_units("mm")
    write_atomically(path, gzip.compress(image.to_bytes(), compresslevel=1, mtime=0))


def _write_picture(path: Path, data: np.ndarray) -> None:
    """16 bit grey, the darkest 0 and the brightest 65535."""
    low, high = float(data.min()), float(data.max())
    levels = np.rint((data - low) / max(high - low, 1e-12) * _LARGEST["uint16"]).astype(np.uint16)
    content = io.BytesIO()
    Image.fromarray(levels).save(content, "PNG")
    write_atomically(path, content.getvalue())
