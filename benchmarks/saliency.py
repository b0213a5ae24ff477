"""What maps of a fingerprint show: of each way to explain, on real scans of several people.

    python benchmarks/saliency.py brain-v1 PACK/scans.csv --subjects 4 [--only NAME ...]

Each line is one ``mlfp explain MODEL PACK/scans.csv --subjects N --untrained`` with the options that are named: the
share of the map inside the head, that of an even map, the mean correlation (inside both heads) between maps of two
scans of one person and of two people, and with the map of the same network before its training. What tells people
apart and was learnt has much inside, a high third number, a lower fourth, and a low fifth. Integrated gradients also
say how much of the rise of the similarity their credits account for. A scan's seconds of the processor include the
untrained network's map. Lines are added to those that are recorded.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import mlfp
from mlfp.bench.environment import environment
from mlfp.explain.scans import Explanation

RESULTS = Path(__file__).parent / "results"
COLUMNS = [
    "options", "inside the head", "an even map", "one person", "two people", "untrained", "accounted for",
    "CPU s a scan",
]  # fmt: skip
#: The ways to explain, by name; layers are those of ``posed-3d``, whose cells are 32, 16 and 8 mm.
WAYS: dict[str, dict[str, Any]] = {
    "occlusion": {"method": "occlusion"},
    "integrated": {"method": "integrated-gradients"},
    "integrated-air": {"method": "integrated-gradients", "baseline": "air"},
    "grad-cam": {"method": "grad-cam"},
    "grad-cam-air": {"method": "grad-cam", "baseline": "air"},
    "hires-cam-air": {"method": "hires-cam", "baseline": "air"},
    **{
        f"{method}-{cells}mm-air": {"method": method, "layer": f"encoder.eye.body.{layer}", "baseline": "air"}
        for cells, layer in ((16, 8), (8, 2))
        for method in ("grad-cam", "hires-cam")
    },
}


def row(model: str, data: Path, subjects: int, options: dict[str, Any], out: Path) -> list[str]:
    """A line of the table."""
    started = time.process_time()
    found = mlfp.explain(model, [data], out=out, subjects=subjects, compare_untrained=True, **options)
    seconds = (time.process_time() - started) / len(found.scans)
    figures = [_mean(found, "inside"), _mean(found, "inside_even"), found.same, found.different]
    figures += [_mean(found, "untrained"), _mean(found, "accounted")]
    return [_named(options), *("" if math.isnan(value) else f"{value:.2f}" for value in figures), f"{seconds:.1f}"]


def _named(options: dict[str, Any]) -> str:
    return f"`{' '.join(f'--{key} {value}' for key, value in options.items())}`"


def _mean(found: Explanation, name: str) -> float:
    values = [value for item in found.scans if not math.isnan(value := getattr(item, name))]
    return sum(values) / len(values) if values else math.nan


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="a model's name or file")
    parser.add_argument("data", type=Path, help="a manifest")
    parser.add_argument("--subjects", type=int, default=4)
    parser.add_argument("--only", nargs="*", default=list(WAYS), choices=list(WAYS), metavar="NAME")
    parser.add_argument("--keep", type=Path, help="a folder for the pictures and maps, to look at")
    arguments = parser.parse_args()
    pack = arguments.data.parent.name
    path = RESULTS / f"explain-{pack}.json"
    done = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.is_file() else []
    for name in arguments.only:
        with tempfile.TemporaryDirectory() as folder:
            out = arguments.keep / name if arguments.keep else Path(folder)
            found = row(arguments.model, arguments.data, arguments.subjects, WAYS[name], out)
        print(*found, file=sys.stderr, flush=True)
        done = [*(item for item in done if item[0] != found[0]), found]
        write(path, f"{arguments.model} {pack}/scans.csv --subjects {arguments.subjects}", done)


def write(path: Path, arguments: str, rows: list[list[str]]) -> None:
    """Keep the table, its lines in the order of :data:`WAYS`."""
    order = [_named(options) for options in WAYS.values()]
    machine = environment()
    machine.pop("plugins", None)
    kept = {
        "title": f"Maps of {arguments.split()[0]}",
        "command": f"python benchmarks/saliency.py {arguments}",
        "machine": machine,
        "columns": COLUMNS,
        "rows": sorted(rows, key=lambda item: order.index(item[0])),
    }
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
