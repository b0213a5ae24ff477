"""Scans turned upright by the pose networks, each as it is and twice without skull: what brain-v1's eye learns from.

    python benchmarks/pretrain/upright.py pose.safetensors FOLDER scans.csv [scans.csv ...]

FOLDER gets volumes of 4 mm and a ``scans.csv``. Skulls are removed by MNI152's brain mask, once 2 mm and once 8 mm
wider.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import torch
from heads import brain_distance, scans_of
from mlfp_plugins.encoders.posed_3d import CANONICAL_SPACING, Posed3d
from mlfp_plugins.encoders.poses import grid_mm
from safetensors.torch import load_file
from torch import Tensor

#: Somewhat more than what is looked at, so that moving the head a little brings no air into view.
SHAPE = (44, 52, 44)
#: How far beyond the mask of the brain is kept, in mm; nothing is cut away in the first.
BEYOND = {"whole": None, "loose": 8.0, "tight": 2.0}


def main() -> None:
    """Write the volumes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pose", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("manifests", nargs="+")
    given = parser.parse_args()
    encoder = Posed3d(embedding_dim=8, spacing=3.0, rounds=2, places=0)
    encoder.looks.load_state_dict(load_file(given.pose))
    encoder.eval()
    (given.folder / "volumes").mkdir(parents=True, exist_ok=True)
    away = brain_distance(grid_mm(SHAPE, CANONICAL_SPACING))
    rows = [row for manifest in given.manifests for row in _upright(encoder, manifest, given.folder, away)]
    pd.DataFrame(rows).to_csv(given.folder / "scans.csv", index=False)
    print(f"{len(rows)} volumes of {len({row['subject'] for row in rows})} subjects: {given.folder / 'scans.csv'}")


@torch.inference_mode()
def _upright(encoder: Posed3d, manifest: str, folder: Path, away: Tensor) -> list[dict[str, str]]:
    scans = scans_of(manifest)
    affine = np.diag([CANONICAL_SPACING] * 3 + [1.0])
    rows = []
    for place, row in enumerate(scans.table):
        images = scans.images([place])
        seen = encoder.upright(images, encoder.find(images), SHAPE)[0, 0]
        seen = seen / seen.abs().max().clamp_min(1e-6) * 1000
        for name, beyond in BEYOND.items():
            kept = seen if beyond is None else torch.where(away < beyond, seen, torch.zeros(()))
            path = f"volumes/{Path(row['scan']).name.split('.')[0]}_{name}.nii.gz"
            nibabel.save(nibabel.nifti1.Nifti1Image(kept.numpy().astype(np.int16), affine), folder / path)
            rows.append({"path": path, "subject": row["subject"], "modality": f"{row.get('modality', '')} {name}"})
    return rows


if __name__ == "__main__":
    main()
