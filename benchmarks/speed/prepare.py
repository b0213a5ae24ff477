"""What ``mlfp prepare`` takes of a scan.

    python benchmarks/speed/prepare.py [PACK/scans.csv ...]

Each line is one data set through the defaults of ``mlfp prepare`` (affine to MNI152 at 1 mm, outliers, z-score, written
as NIfTI) from start to end, import and contact sheet included: with one worker for the seconds of the processor a scan,
and with as many as there are cores for those of the clock; with ``--workers 1``, for a machine that has other things to
do, the processor's alone. Without data of your own, 12 phantoms at 2 mm. ``--first N`` takes so many scans of each, and
a file cut off in its middle with them, which is to be a failure and nothing else. ``--keep`` names a folder for what
the first of the two made, to look at.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

RESULT = Path(__file__).parents[1] / "results" / "speed-prepare.json"


def prepared(data: Path, workers: int, keep: Path | None = None) -> tuple[float, float, int, int]:
    """Seconds of the clock, of the processor, scans made, and scans that failed."""
    code = "import sys; from mlfp.cli.app import main; sys.exit(main())"
    before, started = _spent(), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        out = str(keep / data.parent.name) if keep else folder
        command = [sys.executable, "-c", code, "prepare", str(data), "-o", out, "--workers", str(workers), "--json"]
        shown = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if shown.returncode not in (0, 3):
        raise SystemExit(f"mlfp prepare {data} ended with {shown.returncode}")
    told = json.loads(shown.stdout)
    return time.perf_counter() - started, _spent() - before, told["made"], len(told["failures"])


def phantoms(folder: Path) -> Path:
    """A manifest of 12 made-up heads."""
    from mlfp.data.write import write_scans
    from mlfp.plugins import registry
    from mlfp.types.spec import Spec

    return write_scans(registry().build("dataset", Spec("phantom", {"subjects": 12, "sessions": 1})), folder)


def sample(data: Path, scans: int, folder: Path) -> Path:
    """A manifest of the first scans of another, and of a file that breaks off."""
    with data.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))[:scans]
    for item in rows:
        item["path"] = str(data.parent.absolute() / item["path"])
    whole = Path(rows[0]["path"])
    broken = folder / f"broken{''.join(whole.suffixes)}"
    folder.mkdir(parents=True)
    broken.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with (folder / "scans.csv").open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, list(rows[0]))
        writer.writeheader()
        writer.writerows([*rows, {**rows[0], "path": str(broken)}])
    return folder / "scans.csv"


def _spent() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def row(data: Path, cores: int, keep: Path | None) -> list[Any]:
    """A row of the table."""
    _, processor, made, failed = prepared(data, 1, keep)
    clock = str(round(prepared(data, cores)[0] / made, 1)) if cores > 1 else "-"
    found = [data.parent.name, made, failed, round(processor / made, 1), cores, clock]
    print(*found, file=sys.stderr)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, nargs="*", help="manifests; phantoms unless given")
    parser.add_argument("-o", "--out", type=Path, default=RESULT)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--first", type=int, help="so many scans of each, and a broken one")
    parser.add_argument("--keep", type=Path, help="an empty folder")
    arguments = parser.parse_args()
    from mlfp.bench.environment import environment

    machine = environment()
    machine.pop("plugins", None)
    named = [f"{item.parent.name}/scans.csv" for item in arguments.data]
    with tempfile.TemporaryDirectory() as folder:
        data = arguments.data or [phantoms(Path(folder) / "phantoms")]
        if arguments.first:
            data = [sample(item, arguments.first, Path(folder) / item.parent.name) for item in data]
            named += ["--first", str(arguments.first), "--workers", str(arguments.workers)]
        rows = [row(item, arguments.workers, arguments.keep) for item in data]
    kept = {
        "title": "Preparing scans",
        "command": " ".join(["python benchmarks/speed/prepare.py", *named]),
        "machine": machine,
        "columns": ["data", "scans", "failed", "CPU seconds a scan", "workers", "seconds a scan"],
        "rows": rows,
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
