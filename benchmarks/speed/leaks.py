"""What a search for leaks costs: 100,000 fingerprints against 100,000, from reading the stores to the report.

    OMP_NUM_THREADS=2 python benchmarks/speed/leaks.py

Two stores of 100,000 made-up fingerprints of 128 numbers (24 of them vary, as in trained models, and noise), 20,000
people with five scans each; 5,000 people are in both under new ids. Everything within and across is compared:
200,000 scans, 20 billion pairs, without verification. Wall time (processor time beside it), the largest resident memory
of the process, how many of the planted pairs of people were found, and the share of the true neighbours that the index
finds (of 500 scans, against comparing all).
"""

from __future__ import annotations

import argparse
import json
import resource
import shlex
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from mlfp.bench.environment import environment
from mlfp.fingerprints import store
from mlfp.leaks import engine, write
from mlfp.leaks.calibrate import calibrate
from mlfp.leaks.material import gather
from mlfp.leaks.result import FOUND, Settings
from mlfp.report import leaks as page
from mlfp.types.fingerprints import Fingerprints
from mlfp.types.scan_table import ScanTable

RESULT = Path(__file__).parents[1] / "results" / "speed-leaks.json"
VARYING, DIMS, SCANS = 24, 128, 5


def made(people: np.ndarray, name: str, seed: int) -> Fingerprints:
    """Five scans of each of these people: a person's own place, and some noise in every direction."""
    spread = np.random.default_rng(99).normal(size=(VARYING, DIMS)).astype(np.float32) / np.sqrt(VARYING)
    own = np.stack([np.random.default_rng([7, person]).normal(size=VARYING) for person in people]).astype(np.float32)
    generator = np.random.default_rng(seed)
    vectors = np.repeat(own, SCANS, axis=0)
    vectors = vectors + 0.18 * generator.normal(size=vectors.shape).astype(np.float32)
    vectors = vectors @ spread + 0.05 * generator.normal(size=(len(vectors), DIMS)).astype(np.float32)
    rows = np.repeat(people, SCANS)
    frame = pd.DataFrame({"scan": [f"{name}-{row}-{place % SCANS}" for place, row in enumerate(rows)]})
    frame["subject"] = [f"{name}{row}" for row in rows]
    frame["split"] = np.where(np.arange(len(rows)) % 10 < 8, "train", "test")
    return Fingerprints(ScanTable(frame, source=name), vectors.astype(np.float32), "made up")


def main() -> None:
    """Measure, and write the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--scans", type=int, default=100_000, help="in each store")
    parser.add_argument("--index", default="auto")
    parser.add_argument("--out", type=Path, default=RESULT)
    given = parser.parse_args()
    people, common = given.scans // SCANS, given.scans // SCANS // 4
    learnt = calibrate([("made", made(np.arange(10**6, 10**6 + 1500), "c", 3))], verified=0)
    with tempfile.TemporaryDirectory() as top:
        store.write(Path(top) / "a", made(np.arange(people), "a", 1))
        store.write(Path(top) / "b", made(np.arange(people - common, 2 * people - common), "b", 2))
        started, spent = time.monotonic(), time.process_time()
        material = gather([(name, store.read(Path(top) / name)) for name in "ab"])
        found = engine.hunt(material, learnt, Settings(verify="never", index=given.index))
        middle = time.monotonic()
        write.write(Path(top) / "found", found)
        page.write(Path(top) / "found", found)
        seconds, processor = time.monotonic() - started, time.process_time() - spent
    rows = [rated(found, given.scans, common, seconds, processor, middle - started)]
    kept = {
        "title": "Leaks", "command": shlex.join(["OMP_NUM_THREADS=2", "python", *sys.argv]), "machine": environment(),
        "columns": list(rows[0]), "rows": [list(row.values()) for row in rows],
    }  # fmt: skip
    given.out.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(rows, indent=1))


def rated(found, scans: int, common: int, seconds: float, processor: float, until: float) -> dict[str, str]:  # type: ignore[no-untyped-def]
    """One row of the table."""
    pairs = found.pairs[found.pairs["kind"].isin(FOUND)]
    right = pairs["subject_a"].str[1:] == pairs["subject_b"].str[1:]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {
        "scans": f"{scans} against {scans}",
        "index": found.search.index,
        "wall": f"{seconds:.0f} s",
        "of it search and clusters": f"{until:.0f} s",
        "processor": f"{processor:.0f} s",
        "memory": f"{memory:.1f} GiB",
        "recall of neighbours": f"{found.search.recall:.3f}",
        "pairs": str(len(pairs)),
        "precision": f"{right.mean():.4f}",
        "common people found": f"{pairs['subject_a'][right].nunique() / common:.3f}",
        "false, expected": f"{int((~right).sum())}, {found.summary['expected_false_pairs']:.1f}",
    }


if __name__ == "__main__":
    main()
