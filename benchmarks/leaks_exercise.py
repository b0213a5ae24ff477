"""Two data sets of real scans with 20 common subjects: does `mlfp leaks` find them, and are its numbers right?

    python benchmarks/leaks_exercise.py brain-lgg PACKS --model MODEL
    python benchmarks/leaks_exercise.py chest-nih PACKS

PACKS is a folder with a folder a data set, each with its scans.csv. Of the subjects of the data set named, 20 are in
both, the rest in one. Set a has every scan of its subjects but one modality (session), b that one, under new ids. The
scans of b are turned by up to 10 degrees about each axis, shifted by up to 10 mm along each, scaled by up to 5 % and
resampled to voxels of 2 to 4 mm; every second one loses its skull to a crude mask (what lies at least 14 mm inside the
head). Pictures are only moved.

The odds are learnt from other data. For heads: brain-ds011, brain-openms, and brain-ds002748 warped into other people,
whose second scans get another contrast (a random curve through the ranks of their intensities); each subject's later
scans are moved, resampled and half of them stripped, as in b. For X-rays: those subjects of chest-nih with several
films that are not in the exercise; and unless a model is given, one is trained for it on the subjects with one film
(``benchmarks/chest-nih.yaml``, two views of any film). Precision and recall are of pairs of scans across the sets, with
intervals over subjects (bootstrap); the false pairs expected are compared with the true number at the tightest
threshold that lets 20 through.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pandas as pd
import yaml
from PIL import Image
from scipy import ndimage

from mlfp import api
from mlfp.bench.environment import environment
from mlfp.data import readers
from mlfp.data.masks import foreground
from mlfp.fingerprints.locate import FILE, model_file
from mlfp.fingerprints.model import FingerprintModel
from mlfp.plugins import registry
from mlfp.seeds import numpy_generator
from mlfp.types.spec import Spec
from mlfp.types.volume import Volume

COMMON, DEEP, FALSE = 20, 14.0, 20
RESULTS = Path(__file__).parent / "results"
CALIBRATED_ON = {"brain-lgg": ("brain-ds011", "brain-openms", "brain-ds002748"), "chest-nih": ("chest-nih",)}
#: Below this probability no pair is written, even for the loose threshold.
LOOSEST = 1e-4


@dataclass(frozen=True)
class Subject:
    """Files of one subject, in the order of session and modality."""

    name: str
    paths: list[Path]
    modalities: list[str]


def subjects(pack: Path, *, several: bool) -> list[Subject]:
    """Those of a manifest; with ``several``, only those with two scans or more."""
    frame = pd.read_csv(pack / "scans.csv", dtype=str).sort_values(["subject", "session", "modality"])
    found = [
        Subject(str(name), [(pack / path).absolute() for path in part["path"]], list(part["modality"]))
        for name, part in frame.groupby("subject")
    ]
    return [item for item in found if len(item.paths) > 1 or not several]


def make(people: list[Subject], folder: Path, seed: int) -> None:
    """Write the two data sets and ``truth.csv``."""
    order = numpy_generator(seed, "subjects").permutation(len(people))
    common, rest = order[:COMMON], order[COMMON:]
    in_a, in_b = {*common, *rest[: len(rest) // 2]}, {*common, *rest[len(rest) // 2 :]}
    rows: dict[str, list[dict[str, str]]] = {"a": [], "b": []}
    truth = []
    for place in order:
        person = people[place]
        last = person.modalities.index("FLAIR") if "FLAIR" in person.modalities else len(person.paths) - 1
        new = f"b{numpy_generator(seed, 'id', person.name).integers(10**6):06}"
        for at, (path, modality) in enumerate(zip(person.paths, person.modalities, strict=True)):
            if at != last and place in in_a:
                rows["a"].append({"path": str(path), "subject": person.name, "modality": modality})
        if place in in_b:
            changed = Changed(seed, new, strip=len(rows["b"]) % 2 == 1)
            name = changed.write(readers.read(person.paths[last], scan=new), folder / "b")
            rows["b"].append({"path": name, "subject": new, "modality": person.modalities[last]})
        if place in common:
            truth.append({"subject_a": person.name, "subject_b": new})
    for side, listed in rows.items():
        _manifest(folder / side, listed)
    pd.DataFrame(truth).to_csv(folder / "truth.csv", index=False)


def make_labelled(pack: Path, folder: Path, seed: int, *, skip: set[str]) -> None:
    """Write a data set to calibrate on: first scans as they are, the others changed as in b."""
    rows = []
    for place, (name, volumes, first) in enumerate(_labelled(pack, seed)):
        for at, volume in enumerate(volumes if name not in skip else []):
            changed = Changed(seed, f"{name}-{at}", strip=(place + at) % 2 == 1)
            path = str(first) if first and not at else changed.write(volume, folder)
            rows.append({"path": path, "subject": name, "session": str(at)})
    _manifest(folder, rows)


def _labelled(pack: Path, seed: int) -> Iterator[tuple[str, list[Volume], Path | None]]:
    """Subjects, their scans, and the file of the first where that serves as it is."""
    if pack.name != "brain-ds002748":
        for person in subjects(pack, several=True):
            yield person.name, [readers.read(path) for path in person.paths], person.paths[0]
        return
    source = {"use": "manifest", "path": str(pack / "scans.csv")}
    # Stronger than heads are: what is recorded was measured so.
    given = {"dataset": source, "originals": False, "strength": 8.0, "seed": seed}
    others = registry().build("dataset", Spec("warped", given))
    for row in others.table():
        volume, name = others.read(row), str(row["subject"])
        yield name, [volume, other_contrast(volume, numpy_generator(seed, "contrast", name))], None


def _manifest(folder: Path, rows: list[dict[str, str]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).to_csv(folder / "scans.csv", index=False)


@dataclass(frozen=True)
class Changed:
    """How a scan is changed: moved, resampled, and some stripped."""

    seed: int
    name: str
    strip: bool

    def write(self, volume: Volume, folder: Path) -> str:
        """Write it changed; gives its path below the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        # Each scan its own move: the preprocessor draws it by the scan's id.
        volume = Volume(volume.data, volume.affine, self.name)
        flat = volume.spatial_dims == 2
        move = Spec("move", {"rotate": 10, "shift": 8 if flat else 10, "scale": 0.05, "seed": self.seed})
        if flat:
            moved = registry().build("preprocessor", move)(volume)
            Image.fromarray(moved.data[0].clip(0, 255).astype(np.uint8)).save(folder / f"{self.name}.png")
            return f"{self.name}.png"
        if self.strip:
            volume = stripped(volume)
        spacing = float(numpy_generator(self.seed, "spacing", self.name).uniform(2, 4))
        for spec in (move, Spec("resample", {"spacing": spacing})):
            volume = registry().build("preprocessor", spec)(volume)
        image = nibabel.nifti1.Nifti1Image(volume.data[0].astype(np.float32), volume.affine)
        nibabel.save(image, folder / f"{self.name}.nii.gz")
        return f"{self.name}.nii.gz"


def stripped(volume: Volume) -> Volume:
    """Without what lies less than 14 mm inside the head."""
    deep = ndimage.distance_transform_edt(foreground(volume.data), sampling=volume.spacing) > DEEP
    return volume.with_data(np.where(deep, volume.data, volume.data.min()))


def other_contrast(volume: Volume, generator: np.random.Generator) -> Volume:
    """Intensities by a random curve through the ranks of what is inside; air stays."""
    inside = foreground(volume.data)
    values = volume.data[0][inside]
    ranks = np.searchsorted(np.sort(values), values) / len(values)
    curve = np.interp(ranks, np.linspace(0, 1, 6), generator.uniform(0.15, 1, size=6))
    data = np.zeros_like(volume.data)
    data[0][inside] = 200 * curve + generator.normal(0, 3, size=curve.shape)
    return volume.with_data(data)


def trained(pack: Path, folder: Path, seed: int) -> Path:
    """A model for X-rays of the subjects with one film."""
    frame = pd.read_csv(pack / "scans.csv", dtype=str)
    alone = frame[~frame["subject"].duplicated(keep=False)]
    rows = [
        {"path": str((pack / path).absolute()), "subject": name}
        for path, name in zip(alone["path"], alone["subject"], strict=True)
    ]
    _manifest(folder / "alone", rows)
    recipe = yaml.safe_load((Path(__file__).parent / "chest-nih.yaml").read_text(encoding="utf-8"))
    run = recipe["runs"]["infonce, two views of any film"]
    batch = {name: value for name, value in run["batch"].items() if value is not None}
    return api.train({
        "name": "leaks-chest-nih", "data": {"use": "manifest", "path": str(folder / "alone" / "scans.csv")},
        "preprocess": recipe["preprocess"], "split": {"by": "subject", "val": 0.0, "test": 0.1, "seed": seed},
        "base": {**recipe["base"], **run, "batch": batch}, "seeds": [seed],
        "evaluate": ["retrieval"], "rank_by": recipe["rank_by"],
    }, out=folder / "trained").model  # fmt: skip


def embedded(folder: Path, model: Path | str, pack_folders: list[Path]) -> list[Path]:
    """Stores of data sets, filled."""
    stores = []
    for data in pack_folders:
        stores.append(folder / "stores" / data.name)
        api.embed(data / "scans.csv", model=model, out=stores[-1])
    return stores


def judged(folder: Path, pairs: pd.DataFrame, p_same: float) -> dict[str, Any]:
    """Precision and recall from a probability on, with intervals, and the false pairs expected and found."""
    truth = {tuple(row) for row in pd.read_csv(folder / "truth.csv", dtype=str).to_numpy()}
    scans = {name: pd.read_csv(folder / name / "scans.csv", dtype=str)["subject"].value_counts() for name in "ab"}
    possible = {one: int(scans["a"][one] * scans["b"][two]) for one, two in truth}
    chosen = pairs[pairs["p_same"] >= p_same]
    right = np.array([both in truth for both in zip(chosen["subject_a"], chosen["subject_b"], strict=True)], dtype=bool)
    low, high = _intervals(chosen, right, possible)
    false = int((~right).sum())
    return {
        "p_same": p_same, "pairs": len(chosen), "true": int(right.sum()), "possible": sum(possible.values()),
        "precision": float(right.mean()) if len(right) else 0.0, "precision_interval": [low[0], high[0]],
        "recall": float(right.sum()) / sum(possible.values()), "recall_interval": [low[1], high[1]],
        "subjects_found": int(chosen["subject_a"][right].nunique()), "subjects_common": len(truth),
        "false": false, "false_expected": float((1 - chosen["p_same"]).sum()),
    }  # fmt: skip


def _intervals(chosen: pd.DataFrame, right: np.ndarray, possible: dict[str, int]) -> tuple[list[float], list[float]]:
    """95 % of precision and recall over resampled subjects of a."""
    generator = numpy_generator(0, "bootstrap")
    names = np.array(sorted({*chosen["subject_a"], *possible}))
    hits = pd.Series(right.astype(int)).groupby(chosen["subject_a"].to_numpy()).agg(["sum", "size"]).reindex(names)
    found, reported = hits["sum"].fillna(0).to_numpy(), hits["size"].fillna(0).to_numpy()
    wanted = np.array([possible.get(name, 0) for name in names])
    drawn = generator.integers(0, len(names), size=(2000, len(names)))
    values = np.stack([
        found[drawn].sum(1) / np.maximum(1, reported[drawn].sum(1)),
        found[drawn].sum(1) / np.maximum(1, wanted[drawn].sum(1)),
    ])  # fmt: skip
    ends = np.quantile(values, [0.025, 0.975], axis=1)
    return [float(value) for value in ends[0]], [float(value) for value in ends[1]]


def loose(pairs: pd.DataFrame, folder: Path) -> float:
    """The tightest probability that lets :data:`FALSE` false pairs through; the loosest there is if none does."""
    truth = {tuple(row) for row in pd.read_csv(folder / "truth.csv", dtype=str).to_numpy()}
    ordered = pairs.sort_values("p_same", ascending=False)
    wrong = [both not in truth for both in zip(ordered["subject_a"], ordered["subject_b"], strict=True)]
    place = int(np.searchsorted(np.cumsum(wrong), FALSE))
    return float(ordered["p_same"].iloc[min(place, len(ordered) - 1)])


def run(given: argparse.Namespace) -> dict[str, Any]:
    """Make the data, calibrate, search and judge."""
    folder, packs = given.out / given.exercise, given.packs
    people = subjects(packs / given.exercise, several=True)
    if given.exercise == "chest-nih":  # the other half calibrates
        people = [people[place] for place in numpy_generator(given.seed, "half").permutation(len(people))[::2]]
    make(people, folder, given.seed)
    labelled = [folder / "labelled" / name for name in CALIBRATED_ON[given.exercise]]
    for name, target in zip(CALIBRATED_ON[given.exercise], labelled, strict=True):
        make_labelled(packs / name, target, given.seed, skip={person.name for person in people})
    model = folder / "model" / FILE
    source = given.model or trained(packs / given.exercise, folder, given.seed)
    FingerprintModel.load(model_file(source)).save(model)
    stores = embedded(folder, model, [*labelled, folder / "a", folder / "b"])
    made = api.calibrate(*stores[:-2], model=model, verified=given.verified, workers=given.workers)
    found = api.leaks(
        *stores[-2:], out=folder / "found", calibration=model, verify=given.verify, k=given.k, workers=given.workers,
        p_same=LOOSEST,
    )  # fmt: skip
    pairs = found.pairs[found.pairs["kind"].isin(["near-duplicate", "same-session", "same-subject"])]
    api.leaks(*stores[-2:], out=folder / "report", calibration=model, verify=given.verify, k=given.k)
    return {
        "calibrated_on": {"same": made.same, "different": made.different, "verified": made.verified_same},
        "verified": found.summary["verified"], "seconds": found.summary["seconds"],
        "own_threshold": judged(folder, pairs, 0.5), "loose_threshold": judged(folder, pairs, loose(pairs, folder)),
        "report": str(folder / "report" / "report.html"),
    }  # fmt: skip


def rows(found: dict[str, Any], exercise: str, model: str) -> list[list[str]]:
    """For the table in the docs."""
    listed = []
    for name in ("own_threshold", "loose_threshold"):
        told = found[name]
        precise, complete = told["precision_interval"], told["recall_interval"]
        listed.append([
            exercise, model, f"{told['p_same']:.2g}", f"{told['precision']:.3f} ({precise[0]:.3f}-{precise[1]:.3f})",
            f"{told['recall']:.3f} ({complete[0]:.3f}-{complete[1]:.3f})",
            f"{told['subjects_found']} of {told['subjects_common']}", f"{told['false']}, {told['false_expected']:.1f}",
        ])  # fmt: skip
    return listed


def main() -> None:
    """Run it, and write the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("exercise", choices=sorted(CALIBRATED_ON))
    parser.add_argument("packs", type=Path)
    parser.add_argument("--model", help="a model's file or folder, or a published one's name; X-rays may do without")
    parser.add_argument("--out", type=Path, default=Path("results") / "leaks-exercise", help="where data are made")
    parser.add_argument("--record", type=Path, help="JSON; benchmarks/results/leaks-EXERCISE.json unless given")
    parser.add_argument("--verify", choices=["auto", "always", "never"], default="auto")
    parser.add_argument("--verified", type=int, default=150, help="pairs of each kind that calibrate verification")
    parser.add_argument("-k", type=int, default=10)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if given.model is None and given.exercise != "chest-nih":
        parser.error("--model is needed for heads: brain-v1")
    found = run(given)
    columns = ["data", "model", "from p_same", "precision", "recall", "subjects", "false pairs, expected"]
    kept = {
        "title": f"Common subjects in two sets of {given.exercise}", "command": command(), "machine": environment(),
        "columns": columns, "rows": rows(found, given.exercise, Path(given.model or "trained for it").name),
        "found": found,
    }  # fmt: skip
    target = given.record or RESULTS / f"leaks-{given.exercise}.json"
    target.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))


def command() -> str:
    """As it was called, without the machine's folders."""
    return shlex.join(["python", *(Path(word).name if Path(word).is_absolute() else word for word in sys.argv)])


if __name__ == "__main__":
    main()
