"""Two data sets with known common subjects, to judge `mlfp leaks` by: made from a manifest, and judged.

    python benchmarks/leaks_exercise.py make scans.csv FOLDER
    mlfp leaks FOLDER/a FOLDER/b -o FOLDER/found --model MODEL
    python benchmarks/leaks_exercise.py judge FOLDER FOLDER/found [--loose FOLDER/loose]

Of the subjects, 20 are in both data sets, the rest in one. Data set a has every scan of its subjects but the last
modality, b that one, under new ids. The scans of b are turned by up to 10 degrees about each axis, shifted by up to 10
mm along each, scaled by up to 5 % and resampled to voxels of 2 to 4 mm; every second one loses its skull to a crude
mask (what lies at least 14 mm inside the head). Pictures are only moved.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
from PIL import Image
from scipy import ndimage

from mlfp.data import readers
from mlfp.data.masks import foreground
from mlfp.plugins import registry
from mlfp.seeds import numpy_generator
from mlfp.types.spec import Spec
from mlfp.types.volume import Volume

COMMON = 20
DEEP = 14.0


def make(manifest: Path, folder: Path, seed: int) -> None:
    """Write the two data sets and ``truth.csv``."""
    frame = pd.read_csv(manifest, dtype=str)
    several = frame.groupby("subject")["path"].transform("size") > 1
    frame = frame[several]
    subjects = numpy_generator(seed, "subjects").permutation(sorted(frame["subject"].unique()))
    common, rest = subjects[:COMMON], subjects[COMMON:]
    only = {"a": rest[: len(rest) // 2], "b": rest[len(rest) // 2 :]}
    rows: dict[str, list[dict[str, str]]] = {"a": [], "b": []}
    truth = []
    for subject in subjects:
        scans = frame[frame["subject"] == subject].sort_values(["session", "modality"])
        last = scans.iloc[0 if scans["modality"].iloc[0] == "FLAIR" else -1]
        new = f"b{numpy_generator(seed, 'id', str(subject)).integers(10**6):06}"
        if subject not in only["b"]:
            for _, scan in scans[scans["path"] != last["path"]].iterrows():
                path = str((manifest.parent / scan["path"]).absolute())
                told = {"scan": Path(path).name, "path": path, "subject": str(subject)}
                rows["a"].append({**told, "modality": scan["modality"]})
        if subject not in only["a"]:
            name = _write(manifest.parent / last["path"], folder / "b", new, seed, len(rows["b"]))
            rows["b"].append({"path": name, "subject": new, "modality": last["modality"]})
        if subject in common:
            truth.append({"subject_a": subject, "subject_b": new})
    for name, listed in rows.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        pd.DataFrame(listed).to_csv(folder / name / "scans.csv", index=False)
    pd.DataFrame(truth).to_csv(folder / "truth.csv", index=False)


def _write(path: Path, folder: Path, name: str, seed: int, place: int) -> str:
    volume = readers.read(path, scan=name)
    move = {"rotate": 10, "shift": 10 if volume.spatial_dims == 3 else 8, "scale": 0.05, "seed": seed}
    folder.mkdir(parents=True, exist_ok=True)
    if volume.spatial_dims == 2:
        moved = registry().build("preprocessor", Spec("move", move))(volume)
        Image.fromarray(moved.data[0].clip(0, 255).astype(np.uint8)).save(folder / f"{name}.png")
        return f"{name}.png"
    if place % 2:
        volume = _stripped(volume)
    spacing = float(numpy_generator(seed, "spacing", name).uniform(2, 4))
    for spec in (Spec("move", move), Spec("resample", {"spacing": spacing})):
        volume = registry().build("preprocessor", spec)(volume)
    image = nibabel.nifti1.Nifti1Image(volume.data[0].astype(np.float32), volume.affine)
    nibabel.save(image, folder / f"{name}.nii.gz")
    return f"{name}.nii.gz"


def _stripped(volume: Volume) -> Volume:
    deep = ndimage.distance_transform_edt(foreground(volume.data), sampling=volume.spacing) > DEEP
    return volume.with_data(np.where(deep, volume.data, volume.data.min()))


def judge(folder: Path, found: Path) -> dict[str, object]:
    """Precision and recall of pairs across the data sets, of scans and of subjects; and what was expected."""
    truth = {tuple(row) for row in pd.read_csv(folder / "truth.csv", dtype=str).to_numpy()}
    scans = {name: pd.read_csv(folder / name / "scans.csv", dtype=str) for name in "ab"}
    subject_of = {name: table["subject"].value_counts() for name, table in scans.items()}
    possible = sum(int(subject_of["a"][one] * subject_of["b"][two]) for one, two in truth)
    pairs = pd.read_csv(found / "pairs.csv", dtype=str, keep_default_na=False)
    pairs = pairs[~pairs["kind"].isin(["same-id", "different-people"])]
    across = pairs[pairs["dataset_a"] != pairs["dataset_b"]]
    hits = [both for both in zip(across["subject_a"], across["subject_b"], strict=True) if both in truth]
    summary = json.loads((found / "summary.json").read_text(encoding="utf-8"))
    return {
        "scans": {name: len(table) for name, table in scans.items()},
        "pairs_reported": len(pairs), "pairs_true": len(hits), "pairs_possible": possible,
        "precision": len(hits) / max(1, len(pairs)), "recall_of_pairs": len(hits) / possible,
        "recall_of_subjects": len(set(hits)) / len(truth),
        "false_pairs": len(pairs) - len(hits), "expected_false_pairs": summary["expected_false_pairs"],
        "verified": summary["verified"], "seconds": summary["seconds"],
    }  # fmt: skip


def main() -> None:
    """Make the data sets, or judge what was found in them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=["make", "judge"])
    parser.add_argument("first", type=Path, help="manifest to make them of; or their folder, to judge")
    parser.add_argument("second", type=Path, help="their folder; or what mlfp leaks wrote, to judge")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if given.what == "make":
        make(given.first, given.second, given.seed)
    else:
        print(json.dumps(judge(given.first, given.second), indent=1))


if __name__ == "__main__":
    main()
