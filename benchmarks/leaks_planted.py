"""Truth planted in phantoms: 2,000 scans with shared subjects, copies and swapped ids. What does `mlfp leaks` find?

    python benchmarks/leaks_planted.py
    python benchmarks/leaks_planted.py --model MODEL

Two data sets of 2,000 scans together, 3 yearly sessions a subject, as files of 5 mm voxels. 5 % of the subjects are in
both, two sessions in one and one in the other, under another id; 1 % of the scans are copies of files under other ids;
1 % have their ids swapped with another scan. The model, unless one is given, is `compact-2d` trained for 2,000 steps on
central slices of 150 other phantoms of the level, warped into ever other people; odds are learnt from 150 further
ones. Precision and recall are of pairs of scans of a person under different ids, without copies; a scan with a swapped
id counts as whom it shows. Intervals are Wilson's, of pairs. Swapped ids are listed if `conflicts.csv` has the scan.
"""

from __future__ import annotations

import argparse
import json
import math
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlfp import api
from mlfp.bench.environment import environment
from mlfp.data.write import write_scans
from mlfp.fingerprints.locate import FILE, model_file
from mlfp.fingerprints.model import FingerprintModel
from mlfp.leaks.result import FOUND, Leaks
from mlfp.plugins import registry
from mlfp.seeds import numpy_generator
from mlfp.types.spec import Spec

RESULT = Path(__file__).parent / "results" / "leaks-planted.json"
LEVELS, SESSIONS, SPACING = ("easy", "medium", "hard"), 3, 5.0
SHARED, COPIED, SWAPPED = 0.05, 0.01, 0.01
#: Seeds of three populations that have nobody in common.
SEARCHED, TRAINED, CALIBRATED = 0, 1, 2
PREPROCESS = [{"use": "zscore"}, {"use": "slice", "axis": "axial", "position": "center"}]


@dataclass(frozen=True)
class Truth:
    """What was planted.

    :param person: scan to whom it shows.
    :param copies: pairs of scans that are one file.
    :param swapped: scans with another's id.
    """

    person: dict[str, str]
    copies: set[frozenset[str]]
    swapped: set[str]


def phantom(level: str, subjects: int, seed: int) -> dict[str, Any]:
    """A population."""
    return {"use": "phantom", "subjects": subjects, "sessions": SESSIONS, "level": level, "spacing": SPACING,
            "seed": seed}  # fmt: skip


def written(level: str, subjects: int, seed: int, folder: Path) -> Path:
    """The manifest of a population written as files; what is there is not written again."""
    if not (folder / "scans.csv").is_file():
        parameters = phantom(level, subjects, seed)
        write_scans(registry().build("dataset", Spec(str(parameters.pop("use")), parameters)), folder)
    return folder / "scans.csv"


def plant(level: str, scans: int, folder: Path) -> Truth:
    """Write the data sets a and b."""
    copied, swapped = round(COPIED * scans), round(SWAPPED * scans)
    people = (scans - copied) // SESSIONS
    manifest = written(level, people, SEARCHED, folder / "all")
    frame = pd.read_csv(manifest, dtype=str)
    frame["path"] = [str(Path("..") / "all" / path) for path in frame["path"]]
    generator = numpy_generator(SEARCHED, "planted", level)
    order = generator.permutation(sorted(frame["subject"].unique()))
    shared, rest = set(order[: round(SHARED * people)]), order[round(SHARED * people) :]
    in_a = set(rest[: len(rest) // 2])
    last = frame["session"] == frame["session"].max()
    a = frame["subject"].isin(in_a) | (frame["subject"].isin(shared) & ~last)
    frame["person"], frame["set"] = frame["subject"], np.where(a, "a", "b")
    frame.loc[frame["subject"].isin(shared) & last, "subject"] = "n" + frame["subject"]
    _swap(frame, generator, swapped, shared)
    copies = _copies(frame, generator, copied, folder)
    frame = pd.concat([frame, copies], ignore_index=True)
    frame["scan"] = [f"{name}-{place:05}" for place, name in enumerate(frame["set"])]
    for name in "ab":
        (folder / name).mkdir(parents=True, exist_ok=True)
        chosen = frame[frame["set"] == name]
        chosen[["scan", "path", "subject", "session"]].to_csv(folder / name / "scans.csv", index=False)
    by_path = dict(zip(frame["path"], frame["scan"], strict=True))
    pairs = {
        frozenset((by_path[of], scan)) for of, scan in zip(copies["of"], frame["scan"].iloc[-copied:], strict=True)
    }
    return Truth(dict(zip(frame["scan"], frame["person"], strict=True)), pairs, set(frame["scan"][frame["swap"]]))


def _swap(frame: pd.DataFrame, generator: np.random.Generator, count: int, shared: set[str]) -> None:
    """Exchange the ids of pairs of scans of one set."""
    frame["swap"] = False
    for name in "ab":
        rows = frame.index[(frame["set"] == name) & ~frame["person"].isin(shared)].to_numpy()
        rows = frame.loc[rows].groupby("person").sample(1, random_state=int(generator.integers(2**31))).index.to_numpy()
        chosen = generator.permutation(rows)[: 2 * (count // 4)]
        ids = frame.loc[chosen, "subject"].to_numpy()
        frame.loc[chosen, "subject"] = ids.reshape(-1, 2)[:, ::-1].reshape(-1)
        frame.loc[chosen, "swap"] = True


def _copies(frame: pd.DataFrame, generator: np.random.Generator, count: int, folder: Path) -> pd.DataFrame:
    """Rows of b that are copies of files of a, under ids of their own."""
    (folder / "b").mkdir(parents=True, exist_ok=True)
    chosen = generator.permutation(frame.index[(frame["set"] == "a") & ~frame["swap"]].to_numpy())[:count]
    rows = frame.loc[chosen].assign(of=frame.loc[chosen, "path"], set="b")
    rows["subject"] = [f"c{place:04}" for place in range(count)]
    rows["path"] = [f"copy-{place:04}.nii.gz" for place in range(count)]
    for of, path in zip(rows["of"], rows["path"], strict=True):
        shutil.copyfile(folder / "b" / of, folder / "b" / path)
    return rows


def trained(level: str, folder: Path, steps: int) -> Path:
    """A model of other phantoms of the level."""
    config = {
        "name": f"planted-{level}", "data": phantom(level, 150, TRAINED), "preprocess": PREPROCESS,
        # Nobody validates: 15 people are all told apart long before 700 are, and the training would end there.
        "split": {"by": "subject", "val": 0.0, "test": 0.1, "seed": 0},
        "base": {
            "encoder": {"use": "compact-2d", "embedding_dim": 128}, "distance": "cosine",
            "augmentations": [
                {"use": "identity-warp", "strength": 8, "smoothness": 40},
                {"use": "affine", "rotate": 5, "shift": 4, "scale": 0.03},
            ],
            "objective": [{"loss": {"use": "infonce", "temperature": 0.1}}],
            "batch": {"subjects": 64, "scans": 2}, "train": {"steps": steps},
        },
        "seeds": [0], "evaluate": ["retrieval"], "rank_by": "retrieval.map_at_r",
    }  # fmt: skip
    return api.train(config, out=folder).model


def level_of(level: str, given: argparse.Namespace) -> dict[str, Any]:
    """Plant, embed, calibrate, search and judge at one level."""
    folder = given.out / level
    truth = plant(level, given.scans, folder)
    model = folder / "model" / FILE
    if given.model is None:
        model = trained(level, folder / "trained", given.steps)
    else:
        FingerprintModel.load(model_file(given.model)).save(model)
    further = written(level, 150, CALIBRATED, folder / "further")
    sources = {"calibration": further, "a": folder / "a" / "scans.csv", "b": folder / "b" / "scans.csv"}
    stores = {name: folder / "stores" / name for name in sources}
    for name, data in sources.items():
        api.embed(data, model=model, out=stores[name])
    api.calibrate(stores["calibration"], model=model, verified=0 if given.verify == "never" else 100)
    found = api.leaks(stores["a"], stores["b"], out=folder / "found", calibration=model, verify=given.verify)
    return judged(found, truth)


def judged(found: Leaks, truth: Truth) -> dict[str, Any]:
    """What of it was found."""
    pairs = found.pairs
    sides = [frozenset(pair) for pair in zip(pairs["scan_a"], pairs["scan_b"], strict=True)]
    exact = {pair for pair, kind in zip(sides, pairs["kind"], strict=True) if kind == "exact-file"}
    told = [pair for pair, kind in zip(sides, pairs["kind"], strict=True) if kind in FOUND and pair not in truth.copies]
    right = sum(len({truth.person[scan] for scan in pair}) == 1 for pair in told)
    frame = found.material.frame.assign(
        people=found.material.people, person=found.material.frame["scan"].map(truth.person)
    )
    possible = (
        _pairs(frame["person"]) - _pairs(frame["person"] + "\x1f" + frame["people"].astype(str)) - len(truth.copies)
    )
    listed = {str(found.material.frame["scan"].iloc[item.place]) for item in found.conflicts}
    return {
        "scans": len(frame), "copies": len(truth.copies), "copies_found": len(exact & truth.copies),
        "copies_false": len(exact - truth.copies), "reported": len(told), "right": right, "possible": possible,
        "expected_false": found.summary["expected_false_pairs"], "swapped": len(truth.swapped),
        "swapped_listed": len(listed & truth.swapped), "others_listed": len(listed - truth.swapped),
        "seconds": found.summary["seconds"],
    }  # fmt: skip


def _pairs(names: pd.Series) -> int:
    """How many pairs of rows have the same name."""
    counts = names.value_counts()
    return int((counts * (counts - 1) // 2).sum())


def wilson(hits: int, of: int) -> str:
    """A share with its interval of 95 %."""
    if not of:
        return "none"
    share, z = hits / of, 1.96
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    return f"{share:.3f} ({middle - half:.3f}-{middle + half:.3f})"


def row(level: str, told: dict[str, Any]) -> list[str]:
    """For the table in the docs."""
    return [
        level, f"{told['copies_found']} of {told['copies']}", wilson(told["right"], told["reported"]),
        wilson(told["right"], told["possible"]), f"{told['reported'] - told['right']}, {told['expected_false']:.1f}",
        f"{told['swapped_listed']} of {told['swapped']}", str(told["others_listed"]), f"{told['seconds']:.0f} s",
    ]  # fmt: skip


def main() -> None:
    """Run the levels, and write the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", help="a model's file or folder, or the name of a published one")
    parser.add_argument("--levels", nargs="+", choices=LEVELS, default=LEVELS)
    parser.add_argument("--scans", type=int, default=2000)
    parser.add_argument("--steps", type=int, default=2000, help="of the training, where no model is given")
    parser.add_argument("--verify", choices=["auto", "never"], default="never")
    parser.add_argument("--out", type=Path, default=Path("results") / "leaks-planted", help="where data are made")
    parser.add_argument("--record", type=Path, default=RESULT)
    given = parser.parse_args()
    found = {}
    for level in given.levels:
        found[level] = level_of(level, given)
        print(level, json.dumps(found[level]), flush=True)
    words = [Path(word).name if Path(word).is_absolute() else word for word in sys.argv]
    columns = ["level", "copies found", "precision", "recall", "false pairs, expected", "swapped ids listed",
               "other scans listed", "search"]  # fmt: skip
    kept = {
        "title": "Truth planted in phantoms", "command": shlex.join(["python", *words]), "machine": environment(),
        "columns": columns, "rows": [row(level, told) for level, told in found.items()], "found": found,
    }  # fmt: skip
    given.record.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
