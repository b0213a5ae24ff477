from __future__ import annotations

from collections.abc import Callable

from mlfp.bench.results import BenchResult, Row
from mlfp.report import markdown

Make = Callable[..., BenchResult]


def _rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines() if line[:1] == "|"]


def test_every_row_has_as_many_cells_as_the_header(make_result: Make) -> None:
    rows = _rows(markdown.render(make_result(seeds=2)))
    assert len({len(row) for row in rows}) == 1
    assert [row[0] for row in rows[2:]] == ["triplet", "untrained", "ssim"]


def test_the_best_of_each_metric_is_bold(make_result: Make) -> None:
    rows = _rows(markdown.render(make_result()))
    assert "**0.900** (0.850-0.950)" in rows[2]
    assert not any("**" in cell for cell in rows[3])


def test_a_metric_that_a_method_lacks_is_a_dash(make_result: Make) -> None:
    scorer = _rows(markdown.render(make_result()))[-1]
    assert scorer[1] == "0.310 (0.250-0.370)"
    assert "-" in scorer[2:]


def test_pairs_get_a_table_of_their_own(make_result: Make) -> None:
    text = markdown.render(make_result(pairs=True))
    first, second = text.split("## retrieval.map_at_r, query > gallery")
    assert "T1>T2" not in first
    assert "| method | T1>T2 | T2>T1 |" in second


def test_a_bar_in_a_name_does_not_break_the_table(make_result: Make) -> None:
    result = make_result(labels="a|b")
    assert "a\\|b" in markdown.render(result)


def test_notes_are_listed_where_there_are_some(make_result: Make) -> None:
    result = make_result()
    quiet = BenchResult(result.name, result.folder, [_without_note(row) for row in result.rows], [], result.rank_by)
    assert "Not measured:\n\n- model-only: needs model (untrained)\n" in markdown.render(result)
    assert "Not measured" not in markdown.render(quiet)


def _without_note(row: Row) -> Row:
    return Row(row.label, row.kind, row.seeds, row.metrics, row.spread, row.seconds, row.parameters)
