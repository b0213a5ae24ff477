from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import pytest

from mlfp.bench.plan import _sessions
from mlfp.bench.results import BenchResult, Row
from mlfp.evaluation.comparing import Comparison
from mlfp.evaluation.paired import TTest
from mlfp.report import html, markdown
from mlfp.report.cautions import cautions, lead
from mlfp.types.estimate import Estimate
from mlfp.types.exhibit import Panel, Reading
from mlfp.types.scan_table import ScanTable

Make = Callable[..., BenchResult]


def compared(metric: str, first: str, second: str, difference: float, p: float, *, least: float = 1e-4) -> Comparison:
    return Comparison(
        metric, first, second, difference, difference - 0.1, difference + 0.1, queries=126, subjects=42, p=p, p_holm=p,
        family=1, least=least, higher=30, lower=2, same=10, effect=1.0, level=0.05, mcnemar=None,
        t_test=TTest(1.0, 9, p),
    )  # fmt: skip


def panel(*, alarm: bool) -> Panel:
    return Panel("Shortcuts", (Reading("site probe", 0.9, 0.8, 1.0, 9, 0.5, alarm, "the scanner can be read off"),))


def test_what_was_not_looked_at_is_said(make_result: Make) -> None:
    said = list(cautions(make_result()))
    assert any(line.startswith("Nobody looked whether scanner, outline or header") for line in said)
    assert any("trained once" in line for line in said)
    assert not any("trained once" in line for line in cautions(make_result(seeds=3)))
    assert "Runs of infonce failed, and are in no figure." in list(cautions(make_result(failures=True)))


@pytest.mark.parametrize(("alarm", "said"), [(True, "▲ triplet may take a shortcut: site probe."),
                                             (False, "none is shown in triplet")])  # fmt: skip
def test_an_alarm_of_the_first_method_comes_first(make_result: Make, alarm: bool, said: str) -> None:
    result = make_result()
    first = replace(result.rows[0], exhibits={"shortcuts.panel": panel(alarm=alarm)})
    other = replace(result.rows[1], exhibits={"shortcuts.panel": panel(alarm=True)})
    assert said in next(cautions(replace(result, rows=[first, other, *result.rows[2:]])))


def test_the_outline_is_held_against_the_first(make_result: Make) -> None:
    result = make_result()
    outline = Row("outline", "scorer", 1, {result.rank_by: Estimate(0.8, 0.7, 0.9, 126)}, {}, 1.0, None)
    result = replace(result, rows=[*result.rows, outline])
    assert "The outline alone, without anything inside it, reaches 0.800." in list(cautions(result))
    near = replace(result, comparisons=[compared(result.rank_by, "triplet", "outline", 0.1, 0.4)])
    assert any("reaches 0.800, and triplet is not shown to be better." in line for line in cautions(near))


def test_few_subjects_and_one_session_are_said(make_result: Make) -> None:
    result = make_result()
    few = replace(result, data={**result.data, "test": {"scans": 20, "subjects": 10}})
    assert any(line.startswith("10 subjects are few") for line in cautions(few))
    item = compared(result.rank_by, "triplet", "untrained", 0.1, 0.4, least=0.2)
    assert any("too few differ" in line for line in cautions(replace(few, comparisons=[item])))
    for known, single, said in ((40, 40, "known again another day"), (40, 30, "30 have them of one session only")):
        test = {"scans": 84, "subjects": 42, "with_sessions": known, "of_one_session": single}
        assert any(said in line for line in cautions(replace(result, data={**result.data, "test": test})))
    assert not any("session" in line for line in cautions(result))


def test_sessions_are_counted_where_they_are_known() -> None:
    frame = pd.DataFrame({
        "scan": list("abcdefgh"), "subject": [*"1122334", "4"], "session": ["x", "x", "x", "y", "", "x", "z", "z"],
    })  # fmt: skip
    table = ScanTable(frame, source="here")
    everybody = table.labels() >= 0
    assert _sessions(table, everybody.nonzero()[0]) == {"with_sessions": 3, "of_one_session": 2}
    assert _sessions(ScanTable(frame.drop(columns="session"), source="here"), everybody.nonzero()[0]) == {}


def test_the_lead_is_what_is_better_whatever_the_metric(make_result: Make) -> None:
    result = make_result()
    triplet, untrained, _ = result.rows
    for metric, difference in (("verification.eer", -0.2), ("retrieval.map_at_r", 0.2)):
        ranked = replace(
            result, rank_by=metric, comparisons=[compared(metric, "triplet", "untrained", difference, 0.01)]
        )
        assert lead(ranked, triplet, untrained) == "0.200 (0.100 to 0.300)"
    assert lead(result, triplet, untrained) == ""


def test_the_first_screen_says_who_is_better_by_how_much_and_what_could_fool(make_result: Make) -> None:
    result = make_result()
    item = compared(result.rank_by, "triplet", "untrained", 0.5, 0.001)
    page = html.render(replace(result, comparisons=[item]))
    top = page.partition('<header class="title">')[2].partition("</header>")[0]
    for said in (
        "<strong>triplet</strong> ranks first by <code>retrieval.map_at_r</code> on 42 subjects: 0.900",
        "Second is <strong>untrained</strong> with 0.400, behind by 0.500 (0.400 to 0.600), and "
        "the test shows it (p = 0.001).",
        "What could fool you",
        "<code>shortcuts</code> in <code>evaluate</code>",
    ):
        assert said in top
    none = html.render(replace(result, comparisons=[replace(item, p_holm=0.3)]))
    assert "<em>no difference is shown</em> (p = 0.30)" in none
    assert "What could fool you:" in markdown.render(result)
