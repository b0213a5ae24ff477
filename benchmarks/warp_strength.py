"""How strongly ``warped`` may warp: people who are others, with heads that could be somebody's.

    python benchmarks/warp_strength.py PACK/scans.csv [PACK/scans.csv ...] [--people 8]

The first T1 of each of the first people of a data set, warped once with each strength (40 mm smooth). ``least cell``
is the smallest Jacobian determinant of the warps: what the cell of 10 mm that is squeezed most is left with, below 0
where a warp folds. ``head`` is by how much the volume of the head or brain changes, the mean and the most, where people
differ from one another by the standard deviation in the line of strength 0. ``with oneself`` is the correlation of
a head with what it was, heads laid on each other by their centres in voxels of 3 mm; that with a stranger is in
the line of strength 0.
"""

from __future__ import annotations

import argparse
import json
from itertools import combinations
from pathlib import Path

import numpy as np
from mlfp_plugins.augmentations.identity_warp import squeeze
from mlfp_plugins.datasets.warped import Warped

from mlfp.bench.environment import environment
from mlfp.data.chain import Chain
from mlfp.data.files import read_row
from mlfp.data.masks import foreground
from mlfp.plugins import registry
from mlfp.types.spec import Spec
from mlfp.types.volume import Volume

RESULT = Path(__file__).parent / "results" / "warp-strength.json"
STRENGTHS = (3.0, 4.0, 5.0, 6.0, 8.0)
COLUMNS = ["data", "strength, mm", "least cell", "head, mean", "head, most", "with oneself", "with a stranger"]
CENTRED = Chain([Spec("resample", {"spacing": 3}), Spec("pad", {"shape": [64, 72, 64], "around": "mass"})])


def measured(data: Path, people: int) -> list[list[str]]:
    """The lines of a data set."""
    source = Spec("manifest", {"path": str(data)})
    dataset = registry().build("dataset", source)
    rows = {row["subject"]: row for row in reversed(list(dataset.table())) if str(row["modality"]).startswith("T1")}
    chosen = sorted(rows)[:people]
    old = [read_row(dataset, rows[name]) for name in chosen]
    seen = [CENTRED(volume).data for volume in old]
    strangers = float(np.mean([alike(one, other) for one, other in combinations(seen, 2)]))
    differ = float(np.std([np.log(size(volume)) for volume in old]))
    pack = data.parent.name
    lines = [[pack, "0", "1.00", f"{differ:.0%}", "", "1.00", f"{strangers:.2f}"]]
    for strength in STRENGTHS:
        made = Warped(source, originals=False, strength=strength)
        moved = {row["of_subject"]: made.read(row) for row in made.table() if row["of_scan"] in _scans(rows, chosen)}
        new = [moved[name] for name in chosen]
        cells = [float(squeeze(made._displacement(name, "1", 3))[0]) for name in chosen]
        change = [abs(np.log(size(after) / size(before))) for before, after in zip(old, new, strict=True)]
        own = [alike(before, CENTRED(after).data) for before, after in zip(seen, new, strict=True)]
        figures = [f"{min(cells):.2f}", f"{np.mean(change):.0%}", f"{max(change):.0%}", f"{np.mean(own):.2f}", ""]
        lines.append([pack, f"{strength:g}", *figures])
        print(*lines[-1], flush=True)
    return lines


def _scans(rows: dict[str, dict[str, object]], chosen: list[str]) -> set[object]:
    return {rows[name]["scan"] for name in chosen}


def size(volume: Volume) -> float:
    """mm³ of the head or brain."""
    return float(foreground(volume.data).sum() * np.prod(volume.spacing))


def alike(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson's correlation."""
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, nargs="+", help="manifests")
    parser.add_argument("--people", type=int, default=8)
    arguments = parser.parse_args()
    rows = [line for data in arguments.data for line in measured(data, arguments.people)]
    machine = environment()
    machine.pop("plugins", None)
    named = " ".join(f"{data.parent.name}/scans.csv" for data in arguments.data)
    kept = {
        "title": "How strongly heads may be warped",
        "command": f"python benchmarks/warp_strength.py {named} --people {arguments.people}",
        "machine": machine,
        "columns": COLUMNS,
        "rows": rows,
    }
    RESULT.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
