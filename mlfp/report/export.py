"""A comparison for other programs: one row a number for a spreadsheet, and a table to paste into a paper."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from typing import Any

from mlfp.bench.results import BenchResult, Row
from mlfp.bench.significance import ALL, BEST
from mlfp.report import cells, differences

#: Of the CSV. Numbers are as they are, not rounded; what there is not is empty.
COLUMNS = (
    "comparison", "rank", "method", "kind", "group", "seeds", "metric", "value", "low", "high", "n", "sd_over_seeds",
    "trainings_low", "trainings_high", "compared_with", "difference", "difference_low", "difference_high", "p",
    "p_holm", "tests", "effect", "verdict", "seconds", "parameters",
)  # fmt: skip
#: Metrics in the table of a paper: a page is so wide.
MOST = 5
_SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "≈": r"$\approx$", "±": r"$\pm$", "·": r"$\cdot$",
    ">": r"$>$", "<": r"$<$",
}  # fmt: skip


def to_csv(result: BenchResult) -> str:
    """A line for each method and metric, with its interval and its test against the baseline."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for rank, row in enumerate(result.rows, 1):
        for metric in row.metrics:
            writer.writerow({"comparison": result.name, "rank": rank, **_line(result, row, metric)})
    return stream.getvalue()


def _line(result: BenchResult, row: Row, metric: str) -> dict[str, Any]:
    estimate, trainings = row.metrics[metric], row.over_trainings(metric) or (None, None)
    found = {
        "method": row.label, "kind": row.kind, "group": row.group, "seeds": row.seeds, "metric": metric,
        "value": estimate.value, "low": estimate.low, "high": estimate.high, "n": estimate.n,
        "sd_over_seeds": row.spread.get(metric), "trainings_low": trainings[0], "trainings_high": trainings[1],
        "seconds": row.seconds, "parameters": row.parameters,
    }  # fmt: skip
    test = differences.between(result, metric, row.label, differences.baseline(result, metric, row.group))
    if test is not None:
        found |= {
            "compared_with": test.second, "difference": test.difference, "difference_low": test.low,
            "difference_high": test.high, "p": test.p, "p_holm": test.p_holm, "tests": test.family,
            "effect": test.effect, "verdict": test.verdict,
        }  # fmt: skip
    return {name: "" if _nothing(value) else value for name, value in found.items()}


def _nothing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def to_latex(result: BenchResult) -> str:
    """A table with booktabs: the ranked metric and some others, intervals below, the best in bold."""
    return "\n".join(_latex(result)) + "\n"


def _latex(result: BenchResult) -> Iterator[str]:
    names = cells.metrics(result)[:MOST]
    yield r"% \usepackage{booktabs}"
    yield from (r"\begin{table}", r"\centering", rf"\caption{{{_caption(result)}}}", rf"\label{{tab:{result.name}}}")
    yield rf"\begin{{tabular}}{{l{'c' * len(names)}}}"
    yield r"\toprule"
    yield " & ".join(["", *(escaped(name.partition(".")[0]) for name in names)]) + r" \\"
    yield " & ".join(["Method", *(escaped(name.partition(".")[2]) for name in names)]) + r" \\"
    yield r"\midrule"
    for row in result.rows:
        yield " & ".join([escaped(row.label), *(_value(result, row, name) for name in names)]) + r" \\"
        yield " & ".join(["", *(_interval(row, name) for name in names)]) + r" \\"
    yield from (r"\bottomrule", r"\end{tabular}", r"\end{table}")


def _caption(result: BenchResult) -> str:
    told = [rf"{result.name}: 95\,\% intervals over subjects in brackets."]
    if result.comparisons:
        some = result.comparisons[0]
        told.append(
            rf"$\approx$: no difference shown to the {_whom(result)} (permutation over subjects, Holm, {some.level:g})."
        )
    if cells.several_seeds(result):
        told.append(r"$\pm$: standard deviation over trainings.")
    return " ".join(told).replace("_", r"\_")


def _whom(result: BenchResult) -> str:
    asked = str(result.significance.get("baseline", ""))
    return "best of the column" if asked in ("", BEST, ALL) else f"baseline, {escaped(asked)}"


def _value(result: BenchResult, row: Row, metric: str) -> str:
    estimate = row.metrics.get(metric)
    if estimate is None or math.isnan(estimate.value):
        return "--"
    number = cells.value(estimate)
    number = rf"\textbf{{{number}}}" if estimate.value == cells.best(result.rows, metric) else number
    test = differences.between(result, metric, row.label, differences.baseline(result, metric, row.group))
    mark = r"\,$\approx$" if test is not None and test.verdict == "none" else ""
    return number + escaped(cells.spread(row, metric)) + mark


def _interval(row: Row, metric: str) -> str:
    between = cells.interval(row.metrics.get(metric))
    return rf"{{\footnotesize [{between.replace('-', '--')}]}}" if between else ""


def escaped(text: str) -> str:
    """Text that LaTeX prints as it is."""
    return "".join(_SPECIAL.get(letter, letter) for letter in text)
