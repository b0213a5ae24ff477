"""What the tests of a comparison say, in columns and in words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mlfp.bench.results import BenchResult
from mlfp.bench.significance import ALL, BEST
from mlfp.evaluation.comparing import Comparison, said_p, signed
from mlfp.evaluation.direction import merit
from mlfp.report.tables import table
from mlfp.wording import counted

if TYPE_CHECKING:
    from rich.console import Console

    from mlfp.bench.duel import Duel

#: Beside a difference that is not shown to be one.
NOT_SHOWN = "≈"
#: How rates over pairs are tested.
RESAMPLED = "Tests by resampling subjects, on both sides of every pair and the same for all methods"
#: What the columns of a table of tests are.
HEADER = (
    "method", "compared with", "difference", "p", "p, Holm", "d", "subjects higher, lower, same",
    "McNemar over queries", "t-test over queries",
)  # fmt: skip


def baseline(result: BenchResult, metric: str, group: str = "") -> str:
    """The method that the others of a group are compared with by a metric: the configuration's, else the best."""
    asked = str(result.significance.get("baseline", ""))
    rows = [row for row in result.rows if row.group == group and metric in row.metrics]
    ranked = [row for row in rows if not math.isnan(row.metrics[metric].value)]
    labels = [row.label for row in ranked]
    if asked in labels and asked not in (BEST, ALL):
        return asked
    return max(ranked, key=lambda row: merit(metric, row.metrics[metric].value)).label if ranked else ""


def between(result: BenchResult, metric: str, first: str, second: str) -> Comparison | None:
    """The comparison of two methods, in this order; None where there is none."""
    for item in result.comparisons:
        if item.metric == metric and {item.first, item.second} == {first, second}:
            return item if item.first == first else item.turned()
    return None


def by_metric(result: BenchResult, metric: str) -> list[Comparison]:
    """All comparisons by one metric, as they were made."""
    return [item for item in result.comparisons if item.metric == metric]


def short(result: BenchResult, metric: str, label: str, group: str = "") -> str:
    """``-0.135``, or ``-0.013 ≈`` where no difference to the baseline is shown; nothing for the baseline itself."""
    item = between(result, metric, label, baseline(result, metric, group))
    if item is None:
        return ""
    return signed(item.difference) + (f" {NOT_SHOWN}" if item.verdict == "none" else "")


def summary(result: BenchResult) -> Iterator[str]:
    """What the tests by the ranked metric come to, in a few sentences, for each group of methods."""
    families = []
    for group in dict.fromkeys(row.group for row in result.rows):
        best = baseline(result, result.rank_by, group)
        labels = [row.label for row in result.rows if row.group == group]
        tested = [item for label in labels if (item := between(result, result.rank_by, label, best)) is not None]
        if tested:
            families.append(tested[0].family)
            yield from _against(best, tested)
    if families:
        yield from _fine_print(result, families)


def rates(result: BenchResult) -> dict[str, list[str]]:
    """What the tests of verification and open set come to, by metric; the ranked metric stands elsewhere."""
    metrics = dict.fromkeys(
        item.metric for item in result.comparisons if item.test == "bootstrap" and item.metric != result.rank_by
    )
    found = {}
    for metric in metrics:
        sentences: list[str] = []
        for group in dict.fromkeys(row.group for row in result.rows):
            best = baseline(result, metric, group)
            labels = [row.label for row in result.rows if row.group == group]
            tested = [item for label in labels if (item := between(result, metric, label, best)) is not None]
            sentences += _against(best, tested)
        if sentences:
            found[metric] = sentences
    return found


def rates_fine_print(result: BenchResult) -> str:
    """How they were tested."""
    found = [item for item in result.comparisons if item.test == "bootstrap"]
    families = sorted({item.family for item in found})
    holm = f", corrected by Holm for the {' or '.join(map(str, families))} tests of each metric" if families else ""
    return f"{RESAMPLED}, at {found[0].level:g}{holm}."


def _against(best: str, tested: Sequence[Comparison]) -> Iterator[str]:
    words = {"lower": f"Lower than {best}", "higher": f"Higher than {best}"}
    for verdict, text in words.items():
        shown = [item for item in tested if item.verdict == verdict]
        if shown:
            yield f"{text}: {_listed(shown)}."
    none = [item for item in tested if item.verdict == "none"]
    if none:
        yield f"No difference to {best} is shown, which is not to say that there is none: {_listed(none)}."


def _listed(items: Sequence[Comparison]) -> str:
    return "; ".join(f"{item.first} ({signed(item.difference)}, {said_p(item.p_holm)})" for item in items)


def _fine_print(result: BenchResult, families: Sequence[int]) -> Iterator[str]:
    """How it was tested.

    :param families: numbers of tests, a group each.
    """
    found = by_metric(result, result.rank_by)
    corrected = f", corrected by Holm for {' and '.join(map(str, families))} tests" if max(families) > 1 else ""
    how = "Permutation tests over" if found[0].test == "permutation" else f"{RESAMPLED}, of"
    yield f"{how} {counted(found[0].subjects, 'subject')} at {found[0].level:g}{corrected}."
    few = [item for item in found if item.too_few and item.verdict == "none"]
    if few:
        yield f"In {len(few)} of them too few subjects differ for any outcome to show a difference."
    if any(row.kind == "trained" and row.seeds == 1 for row in result.rows):
        yield "Each method was trained once: what another training would give is in no interval and in no test."


def lines(result: BenchResult, *, level: int = 2) -> Iterator[str]:
    """A section of Markdown: the tests by the ranked metric, and what they come to.

    :param level: of the heading.
    """
    found = by_metric(result, result.rank_by)
    if found:
        yield from (f"{'#' * level} Differences in {result.rank_by}", "", " ".join(summary(result)), "")
        yield from table(HEADER, [_cells(item) for item in found], left=(0, 1))
    if found and found[0].test == "permutation":
        yield (
            "p: all of a subject's queries are swapped at once; d: the mean difference of a subject in standard "
            "deviations. McNemar's and the t-test take queries as independent, as papers do, and those of one subject "
            "are not."
        )
        yield ""
    told = rates(result)
    if told:
        yield from (f"{'#' * level} Differences in verification and open set", "")
        yield from (f"- `{metric}`. {' '.join(sentences)}" for metric, sentences in told.items())
        yield from ("", rates_fine_print(result), "")


def _cells(item: Comparison) -> list[str]:
    mark = f" {NOT_SHOWN}" if item.verdict == "none" else ""
    mcnemar = item.mcnemar
    return [
        item.first,
        item.second,
        f"{signed(item.difference)} ({signed(item.low)} to {signed(item.high)}){mark}",
        _p(item.p),
        _p(item.p_holm),
        "" if math.isnan(item.effect) else f"{item.effect:+.2f}",
        _by_subject(item, ", "),
        "" if mcnemar is None else f"{mcnemar.only_first} against {mcnemar.only_second}, {said_p(mcnemar.p)}",
        "" if math.isnan(item.t_test.t) else f"t = {item.t_test.t:.2f}, {said_p(item.t_test.p)}",
    ]


def print_duel(found: Duel, console: Console) -> None:
    """Print a table of comparisons, what each comes to in words, and what has to be known of them."""
    from rich.table import Table

    shown = Table(box=None, pad_edge=False, header_style="bold")
    several = any(item.family > 1 for item in found.comparisons)
    shown.add_column("A against B", overflow="fold", min_width=20)
    for title in ("difference", "95 %", "p", *(["Holm"] if several else []), "subjects\n+ - ="):
        shown.add_column(title, justify="right", no_wrap=True)
    for item in found.comparisons:
        mark = f" {NOT_SHOWN}" if item.verdict == "none" else ""
        between = f"{signed(item.low)} {signed(item.high)}"
        shown.add_row(
            f"{item.metric}\n{item.first}\n{item.second}", f"{signed(item.difference)}{mark}", between, _p(item.p),
            *([_p(item.p_holm)] if several else []), _by_subject(item, " "),
        )  # fmt: skip
    if found.comparisons:
        console.print(shown)
    for item in found.comparisons:
        console.print(f"{item.metric}: {item.say()}", markup=False)
        console.print(f"  {_over_queries(item)}", markup=False)
    for note in found.notes:
        console.print(note, markup=False)
    if any(item.verdict == "none" for item in found.comparisons):
        console.print(f"{NOT_SHOWN} no difference shown, which is not to say that there is none.")


def _by_subject(item: Comparison, join: str) -> str:
    """How many subjects the first does better by, worse, as well; nothing where there is no value of a subject."""
    return join.join(map(str, (item.higher, item.lower, item.same))) if item.test == "permutation" else ""


def _over_queries(item: Comparison) -> str:
    """What the papers' tests say."""
    if item.test == "bootstrap":
        return f"{RESAMPLED}: {counted(item.subjects, 'subject')}, {item.queries} pairs or searches."
    mcnemar, t_test = item.mcnemar, item.t_test
    over = counted(item.subjects, "subject")
    told = [] if math.isnan(item.effect) else [f"Cohen's d over {over} {item.effect:+.2f}."]
    told.append(f"Over {item.queries} queries, taken as independent:")
    if mcnemar is not None:
        told.append(f"McNemar {mcnemar.only_first} against {mcnemar.only_second}, {said_p(mcnemar.p)};")
    told.append("all differences equal." if math.isnan(t_test.t) else f"t = {t_test.t:.2f}, {said_p(t_test.p)}.")
    return " ".join(told)


def _p(p: float) -> str:
    return said_p(p).removeprefix("p ").removeprefix("= ")
