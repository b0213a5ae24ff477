"""Run a comparison and keep its figures: ``benchmarks/results/<name>.json``, from which docs/benchmarks.md is made.

python benchmarks/record.py benchmarks/brain-lgg.yaml --data scans.csv
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

import mlfp
from mlfp.bench.environment import environment
from mlfp.bench.records import to_json, write_text
from mlfp.bench.results import Row
from mlfp.report import saved
from mlfp.types.exhibit import Exhibit, Panel

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path, nargs="?", help="the comparison; the quick one unless given")
    parser.add_argument("--data", type=Path, help="a manifest that takes the place of the configuration's data")
    parser.add_argument("--out", type=Path, help="folder of the runs; results/<name> unless given")
    parser.add_argument("--name", help="of the record, where one comparison is run on several data sets")
    arguments = parser.parse_args()
    started = time.perf_counter()
    result = mlfp.bench(
        arguments.config,
        data=arguments.data,
        out=arguments.out,
        announce=lambda line: print(f"{time.perf_counter() - started:6.0f} s  {line}", file=sys.stderr, flush=True),
    )
    if result.failures:
        raise SystemExit("\n".join(f"{item.label}: {item.reason}" for item in result.failures))
    result = replace(result, name=arguments.name or result.name)
    data = f" --data {arguments.data.parent.name}/{arguments.data.name}" if arguments.data else ""
    config = f" {arguments.config.as_posix()}" if arguments.config else ""
    machine = environment()
    del machine["plugins"]
    kept = {
        "command": f"mlfp bench{config}{data}",
        "machine": machine,
        "result": saved.of_result(replace(result, rows=[replace(row, exhibits=_panels(row)) for row in result.rows])),
    }
    write_text(RESULTS / f"{result.name}.json", to_json(kept) + "\n")
    print(f"wrote {RESULTS / result.name}.json")


def _panels(row: Row) -> dict[str, Exhibit]:
    """What is read rather than drawn: curves stay with the runs."""
    return {name: shown for name, shown in row.exhibits.items() if isinstance(shown, Panel)}


if __name__ == "__main__":
    main()
