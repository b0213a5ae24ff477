"""A finished comparison in one file: what ``mlfp report`` shows without any data or model."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlfp.bench.expected import Expectation
from mlfp.bench.records import to_json, write_text
from mlfp.bench.results import BenchResult, Row, RunFailure, ranked
from mlfp.errors import UsageError, nearest
from mlfp.evaluation.comparing import Comparison
from mlfp.report import export, markdown
from mlfp.types import exhibit
from mlfp.types.estimate import Estimate

RESULT = "result.json"
REPORT = "report.md"
TABLE, LATEX = "results.csv", "table.tex"
PAGE, REDACTED = "report.html", "report-redacted.html"


def write(result: BenchResult) -> None:
    """Write ``result.json``, ``report.md`` and ``report.html`` into the folder of the results."""
    write_text(result.folder / RESULT, to_json(of_result(result)) + "\n")
    write_text(result.folder / REPORT, markdown.render(result))
    write_text(result.folder / TABLE, export.to_csv(result))
    write_text(result.folder / LATEX, export.to_latex(result))
    # From what is kept, so that the page is the one that `mlfp report` will write.
    write_page(read(result.folder))


def write_page(result: BenchResult, *, redact: bool = False) -> Path:
    """Write ``report.html``, from what the folder of the results holds; gives its path.

    :param redact: leave out pictures, and the names of scans, subjects and files; the file is ``report-redacted.html``.
    """
    # Here, and not at the top: whoever shows a table needs no templates.
    from mlfp.report import html

    path = result.folder / (REDACTED if redact else PAGE)
    write_text(path, html.render(result, redact=redact))
    return path


def read(folder: Path, *, rank_by: str | None = None) -> BenchResult:
    """Read what :func:`write` wrote.

    :param folder: of the results, or the file.
    :param rank_by: rank by this metric instead.
    :raises UsageError: there is no result, it cannot be read, or it has no such metric.
    """
    path = folder / RESULT if folder.is_dir() else folder
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"no finished comparison in {str(folder)!r}", hints=[_unfinished(folder)]) from None
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{path} cannot be read: {error}", hints=["Run the comparison again: it writes it anew."]
        ) from error
    # What benchmarks/record.py keeps has a result among other things.
    if isinstance(data, dict) and "rows" not in data and isinstance(data.get("result"), dict):
        data = data["result"]
    try:
        result = of_json(data, folder=path.parent)
    except (KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path} is no result of mlfp bench", hints=[f"It lacks {error}."]) from error
    return result if rank_by is None else _reranked(result, rank_by)


def _unfinished(folder: Path) -> str:
    """What to do where there is no result."""
    if (folder / "results.jsonl").is_file():
        command = folder / "command.txt"
        again = command.read_text(encoding="utf-8").strip() if command.is_file() else "mlfp bench"
        return f"It was stopped, or run with --only. A report is written once all methods are done: {again} -o {folder}"
    return "`mlfp bench` writes them to results/NAME, or to the folder given with -o."


def of_result(result: BenchResult) -> dict[str, Any]:
    """Everything about a result but its per-query values, for :func:`of_json`."""
    # JSON is written with sorted keys; the order of the metrics is the evaluators', so it is kept apart.
    order = list(dict.fromkeys(name for row in result.rows for name in row.metrics))
    return {**result.to_json(), "description": result.description, "metrics": order}


def of_json(data: dict[str, Any], *, folder: Path) -> BenchResult:
    """The result that :func:`of_result` told."""
    failures = [
        RunFailure(item["label"], item["seed"], item["reason"], folder / "failures") for item in data["failures"]
    ]
    return BenchResult(
        name=data["name"],
        folder=folder,
        rows=[_row(item, data["metrics"]) for item in data["rows"]],
        failures=failures,
        rank_by=data["rank_by"],
        data=data["data"],
        papers=data["papers"],
        description=data["description"],
        # Results that were kept before there was any of it have none.
        comparisons=[Comparison.of_json(item) for item in data.get("comparisons", [])],
        significance=data.get("significance", {}),
        evaluations=data.get("evaluations", {}),
        protocol=data.get("protocol", {}),
        expected=tuple(Expectation.of_json(item) for item in data.get("expected", [])),
    )


def _row(data: dict[str, Any], order: list[str]) -> Row:
    return Row(
        label=data["label"],
        kind=data["kind"],
        seeds=data["seeds"],
        metrics={name: _estimate(data["metrics"][name]) for name in order if name in data["metrics"]},
        spread={name: item["sd_over_seeds"] for name, item in data["metrics"].items()},
        seconds=data["seconds"],
        parameters=data["parameters"],
        cached=data["cached"],
        note=data["note"],
        exhibits={name: exhibit.from_json(item) for name, item in data.get("exhibits", {}).items()},
        runs=data.get("runs", []),
        group=data.get("group", ""),
    )


def _estimate(item: dict[str, Any]) -> Estimate:
    value, low, high = (math.nan if item[name] is None else float(item[name]) for name in ("value", "low", "high"))
    return Estimate(value, low, high, int(item["n"]))


def _reranked(result: BenchResult, metric: str) -> BenchResult:
    known = dict.fromkeys(name for row in result.rows for name in row.metrics)
    if metric not in known:
        raise UsageError(
            f"the comparison {result.name!r} has no metric {metric!r}",
            hints=[*nearest(metric, known), f"Its metrics: {', '.join(name for name in known if '[' not in name)}"],
        )
    return replace(result, rows=ranked(result.rows, metric), rank_by=metric)
