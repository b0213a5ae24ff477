"""Write down the runs that made the weights: settings, seeds, machine, times and curves.

python benchmarks/pretrain/record.py POSE EYE brain-v1.json
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import yaml

from mlfp.bench.environment import environment

HERE = Path(__file__).parent
#: Steps of the eye's curve that are averaged into a point.
EVERY = 25


def main() -> None:
    """Write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pose", type=Path)
    parser.add_argument("eye", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    poses = _lines(given.pose / "curve.jsonl")
    eye = _lines(given.eye / "curves.jsonl")
    record = {
        "poses": {"settings": _yaml("pose.yaml"), "curve": poses},
        "eye": {"settings": _yaml("brain-v1.yaml"), "curve": _thinned(eye)},
        "material": "brain-ds002748, brain-ds011, brain-openms: 96 subjects, 138 scans",
        "machine": environment(),
    }
    given.out.write_text(json.dumps(record, indent=1, default=str) + "\n", encoding="utf-8")


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def _yaml(name: str) -> Any:
    return yaml.safe_load((HERE / name).read_text(encoding="utf-8"))


def _thinned(lines: list[dict[str, Any]]) -> list[dict[str, float]]:
    """Means over so many steps each."""
    found = []
    for start in range(0, len(lines), EVERY):
        few = lines[start : start + EVERY]
        loss = sum(line["loss"] for line in few) / len(few)
        found.append({"step": few[-1]["step"], "loss": round(loss, 4), "lr": float(f"{few[-1]['lr']:.3g}")})
    return found


if __name__ == "__main__":
    main()
