"""A BIDS tree of 40,000 participants, listed for the first time and again.

    python benchmarks/speed/bids.py

Two sessions each of a T1w and a FLAIR, all empty files with sidecars beside them: 160,000 scans in 320,000 files.
Each line is ``mlfp data inspect bids:TREE --no-pixels`` in a process of its own, start to end: the first with nothing
remembered of the tree, the second right after it, the third after a scan was added to one participant. Time of the
clock and of the processor; the tree is made in a temporary folder unless ``--tree`` names one.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

RESULT = Path(__file__).parents[1] / "results" / "speed-bids.json"
PARTICIPANTS, SESSIONS, SUFFIXES = 40_000, ("1", "2"), ("T1w", "FLAIR")
#: Seconds that the first and the second listing may take.
LIMITS = (60.0, 3.0)


def make(top: Path, participants: int) -> None:
    """Write the tree."""
    top.mkdir(parents=True)
    (top / "dataset_description.json").write_text('{"Name": "empty scans", "BIDSVersion": "1.10.0"}', encoding="utf-8")
    lines = [f"sub-{number:05d}\t{20 + number % 60}\t{'MF'[number % 2]}" for number in range(participants)]
    (top / "participants.tsv").write_text("\n".join(["participant_id\tage\tsex", *lines]) + "\n", encoding="utf-8")
    for number in range(participants):
        for session in SESSIONS:
            stem = f"sub-{number:05d}_ses-{session}"
            folder = f"{top}/sub-{number:05d}/ses-{session}/anat"
            os.makedirs(folder)  # noqa: PTH103 (many folders)
            for suffix in SUFFIXES:
                for ending in ("nii.gz", "json"):
                    open(f"{folder}/{stem}_{suffix}.{ending}", "wb").close()  # noqa: PTH123 (many files)


def inspected(top: Path, cache: Path) -> tuple[float, float, int]:
    """Seconds of the clock, seconds of the processor, and scans found."""
    before, started = _spent(), time.perf_counter()
    code = "import sys; from mlfp.cli.app import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "data", "inspect", f"bids:{top}", "--no-pixels", "--json"]
    shown = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=True, env={**os.environ, "MLFP_CACHE": str(cache)}
    )
    return time.perf_counter() - started, _spent() - before, int(json.loads(shown.stdout)["scans"])


def _spent() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(top: Path, participants: int) -> list[list[Any]]:
    """The rows of the table."""
    if not top.is_dir():
        print(f"making {participants} participants in {top}", file=sys.stderr)
        make(top, participants)
    rows: list[list[Any]] = []
    with tempfile.TemporaryDirectory() as cache:
        for what in ("for the first time", "again", "after one scan was added"):
            if what.startswith("after"):
                added = top / "sub-00007" / "ses-1" / "anat" / "sub-00007_ses-1_T2w.nii.gz"
                added.touch()
            clock, processor, scans = inspected(top, Path(cache))
            rows.append([what, scans, round(clock, 1), round(processor, 1)])
            print(*rows[-1], file=sys.stderr)
            if what == "for the first time":
                time.sleep(3)  # a folder that changed within two seconds of its listing is listed again
    added.unlink()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--out", type=Path, default=RESULT)
    parser.add_argument("--tree", type=Path, help="made if it is not there, and kept")
    parser.add_argument("--participants", type=int, default=PARTICIPANTS)
    arguments = parser.parse_args()
    from mlfp.bench.environment import environment

    with tempfile.TemporaryDirectory() as folder:
        rows = measure(arguments.tree or Path(folder) / "bids", arguments.participants)
    for (what, _, clock, _), limit in zip(rows, LIMITS, strict=False):
        if clock > limit:
            print(f"{what}: {clock} s is more than {limit:g} s; is the machine busy?", file=sys.stderr)
    machine = environment()
    machine.pop("plugins", None)
    kept = {
        "title": f"A BIDS tree of {arguments.participants:,} participants",
        "command": "python benchmarks/speed/bids.py",
        "machine": machine,
        "columns": ["data inspect --no-pixels", "scans", "seconds", "CPU seconds"],
        "rows": rows,
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
