"""Evaluation at the size of ChestX-ray14, beside pytorch-metric-learning's calculator.

    OMP_NUM_THREADS=1 python benchmarks/speed/chestxray14.py

112,120 made-up fingerprints of 128 numbers of 30,805 subjects, as many scans each as there: 1 to 184, 13,302 subjects
with 2 or more and 4,821 with 6 or more (what lies between is skewed alike, not copied). ``retrieval`` ranks every scan
among all others and gives every metric with an interval from 1000 resamples of subjects, lone queries counted. PML's
AccuracyCalculator gives precision_at_1, r_precision and mean_average_precision_at_r with ``k="max_bin_count"`` and no
intervals; its memory would pass 3 GiB, so it is measured on slices (some of the subjects, with all their scans) and
scaled by the square of the number of scans. ``verification`` (impostors of the same sex and age besides), ``open-set``,
``fairness`` by sex and age, ``clusters`` and ``few-shot`` give all they give by default, with intervals, for sexes and
ages that were drawn. Each is measured in a process of its own: CPU seconds on one thread, the peak of resident memory,
and how much of that came on top of libraries and vectors.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

RESULT = Path(__file__).parents[1] / "results" / "speed-chestxray14.json"
SUBJECTS, SCANS, MOST = 30_805, 112_120, 184
#: Subjects with one scan, with two to five, and with more.
ONE, SOME = 17_503, 8_481
#: Bytes of resident memory that the issue allows, and that PML is let have.
LIMIT = 3 << 30
#: Evaluators that are measured on the whole besides ``retrieval``.
MORE = ("verification", "open-set", "fairness", "clusters", "few-shot")


def counts() -> np.ndarray:
    """(30805,) scans of each subject, most first."""
    some = np.repeat([2, 3, 4, 5], [3900, 2200, 1400, 981])
    tail = SUBJECTS - ONE - SOME
    wanted = SCANS - ONE - int(some.sum())
    quantiles = stats.norm.ppf((np.arange(tail) + 0.5) / tail)
    low, high = 0.1, 100.0
    for _ in range(60):  # the scale at which so many subjects have so many scans
        middle = (low + high) / 2
        found = np.minimum(6 + (middle * np.exp(1.1 * quantiles)).astype(int), MOST)
        low, high = (middle, high) if found.sum() < wanted else (low, middle)
    found = np.minimum(6 + (low * np.exp(1.1 * quantiles)).astype(int), MOST)
    found[-1] = MOST
    found[: wanted - found.sum()] += 1
    made = np.sort(np.concatenate([np.ones(ONE, int), some, found]))[::-1]
    assert (made.sum(), made.max(), (made >= 2).sum(), (made >= 6).sum()) == (SCANS, MOST, 13_302, 4_821)
    return made


def scans(most: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels and unit vectors of subjects in random order, until there are so many scans."""
    generator = np.random.default_rng(0)
    each = generator.permutation(counts())
    each = each[: np.searchsorted(np.cumsum(each), most, side="right") + (most >= SCANS)]
    labels = np.repeat(np.arange(len(each)), each)
    vectors = generator.normal(size=(len(each), 128))[labels] + 1.4 * generator.normal(size=(len(labels), 128))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return labels, vectors.astype(np.float32)


def ours(most: int, name: str = "retrieval") -> dict[str, Any]:
    import torch

    from mlfp.evaluation.similarity import VectorSimilarity
    from mlfp.plugins import registry
    from mlfp.types.spec import Spec
    from mlfp.types.trial import Trial

    torch.set_num_threads(1)
    labels, vectors = scans(most)
    table = people(labels)

    def told(what: str, done: int, total: int) -> None:
        print(f"\r{what}: {done} of {total}", end="", file=sys.stderr, flush=True)

    evaluator = registry().build("evaluator", Spec(name))
    trial = Trial(
        table, table, VectorSimilarity(vectors, vectors), query_vectors=vectors, gallery_vectors=vectors, progress=told
    )
    return _measured(len(labels), lambda: {name: found.to_json() for name, found in evaluator(trial).items()})


def people(labels: np.ndarray) -> Any:
    """A scan table of them, with a sex and an age of each subject."""
    from mlfp.types.scan_table import ScanTable

    generator = np.random.default_rng(1)
    sexes = np.array(["F", "M"])[generator.integers(0, 2, labels.max() + 1)]
    ages = np.clip(generator.normal(47, 17, labels.max() + 1), 1, 95).astype(int)
    scans = [f"{place:08d}.png" for place in range(len(labels))]
    frame = pd.DataFrame({"scan": scans, "subject": labels.astype(str), "sex": sexes[labels], "age": ages[labels]})
    return ScanTable(frame)


def peer(most: int) -> dict[str, Any]:
    import faiss
    import torch
    from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator

    torch.set_num_threads(1)
    faiss.omp_set_num_threads(1)
    labels, vectors = scans(most)
    tensors = torch.from_numpy(vectors), torch.from_numpy(labels)
    include = ("precision_at_1", "r_precision", "mean_average_precision_at_r")
    calculator = AccuracyCalculator(include=include, k="max_bin_count", device=torch.device("cpu"))
    return _measured(len(labels), lambda: calculator.get_accuracy(*tensors))


def _measured(number: int, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    before, started = _peak(), time.process_time()
    figures = work()
    return {
        "scans": number,
        "seconds": round(time.process_time() - started, 1),
        "peak": _peak(),
        "before": before,
        "figures": figures,
    }


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def alone(which: str, number: int) -> dict[str, Any]:
    """Measure in a process of its own."""
    command = [sys.executable, __file__, "--only", which, "--scans", str(number)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(f"\n{which}: {found['scans']} scans, {found['seconds']} s, {found['peak'] >> 20} MiB", file=sys.stderr)
    return found


def compare(slices: list[int]) -> list[list[Any]]:
    """Rows of the table: ours and theirs on slices, ours on the whole, and what theirs would take."""
    rows = []
    for number in slices:
        mine, theirs = alone("mlfp", number), alone("pml", number)
        same = abs(mine["figures"]["map_at_r"]["value"] - theirs["figures"]["mean_average_precision_at_r"])
        assert same < 1e-4, f"the two differ by {same}"
        rows += [_row("mlfp, with intervals", mine), _row("PML, max_bin_count", theirs)]
    rows.append(_whole("mlfp", "mlfp, with intervals"))
    rows += [_whole(name, f"mlfp, {name}") for name in MORE]
    scaled = theirs["seconds"] * (SCANS / theirs["scans"]) ** 2
    rows.append(["PML, max_bin_count", SCANS, round(scaled), "-", "-", f"scaled from {theirs['scans']:,} scans"])
    return rows


def _whole(which: str, name: str) -> list[Any]:
    found = alone(which, SCANS)
    assert found["peak"] <= LIMIT, f"{which}: {found['peak']} bytes are more than {LIMIT}"
    return _row(name, found)


def _row(name: str, found: dict[str, Any]) -> list[Any]:
    working = (found["peak"] - found["before"]) / 2**30
    return [name, found["scans"], found["seconds"], round(found["peak"] / 2**30, 2), round(working, 2), "measured"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--out", type=Path, default=RESULT)
    parser.add_argument("--slices", type=int, nargs="+", default=[10_000, 30_000])
    parser.add_argument("--only", choices=["mlfp", "pml", *MORE], help="measure one, in this process, and print JSON")
    parser.add_argument("--scans", type=int, default=SCANS, help="with --only: about so many")
    arguments = parser.parse_args()
    if arguments.only:
        measures = {"mlfp": ours, "pml": peer, **{name: partial(ours, name=name) for name in MORE}}
        print(json.dumps(measures[arguments.only](arguments.scans)))
        return
    # Not above: a process that measures memory should hold no more than what it measures.
    from _kept import keep

    columns = ["what", "scans", "CPU seconds", "peak GiB", "of it for the work", "how"]
    keep(arguments.out, "Evaluation of 112,120 fingerprints", columns, compare(arguments.slices))


if __name__ == "__main__":
    main()
