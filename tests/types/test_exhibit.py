from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from mlfp.evaluation.exhibits import average, merged
from mlfp.types.estimate import Estimate
from mlfp.types.exhibit import (
    Axis,
    Bars,
    Curve,
    Exhibit,
    Histogram,
    Line,
    Matrix,
    Panel,
    Reading,
    from_json,
    to_json,
)
from mlfp.types.measured import Measured


def curve(y: float, n: int = 2) -> Curve:
    values = np.array([y, np.nan])
    return Curve("DET", Axis("FMR", scale="log"), Axis("FNMR"), (Line("all", np.array([0.1, 1]), values, values, n=n),))


def exhibits() -> list[Exhibit]:
    panel = Panel("Shortcuts", (Reading("site", 0.9, 0.8, np.nan, 40, 0.33, True, "It knows the site."),))
    bars = (Bars("same", np.array([0.25, 0.75]), 4),)
    matrix = Matrix(
        "", Axis("query"), Axis("gallery"), Axis("hit"), ("T1",), ("T1", "T2"), np.array([[np.nan, 0.123456789]])
    )
    return [curve(0.5), matrix, Histogram("", Axis("distance", "mm"), np.array([0, 1, 2.0]), bars), panel]


@pytest.mark.parametrize("shown", exhibits(), ids=lambda item: type(item).__name__)
def test_what_is_told_as_json_is_read_again(shown: Exhibit) -> None:
    text = json.dumps(to_json(shown), allow_nan=False)
    again = from_json(json.loads(text))
    assert type(again) is type(shown)
    assert json.dumps(to_json(again)) == text


def test_truths_and_numbers_of_numpy_are_told_as_such() -> None:
    reading = Reading("site", np.float64(0.5), 0.4, 0.6, 40, 0.3, bool(np.False_), "")
    odd = replace(reading, alarm=np.bool_(False), n=np.int64(40))
    assert to_json(Panel("", (odd,))) == to_json(Panel("", (reading,)))


def test_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="'pie'"):
        from_json({"kind": "pie"})


def test_units_stand_in_brackets() -> None:
    assert (Axis("rotation", "degrees").label, Axis("rank").label) == ("rotation (degrees)", "rank")


def test_lines_are_averaged_by_what_lies_behind_them() -> None:
    found = average([curve(0.0, n=1), curve(1.0, n=3)])
    assert isinstance(found, Curve)
    (line,) = found.lines
    assert line.y[0] == 0.75
    assert line.low is not None
    assert line.low[0] == 0.75
    assert line.high is None
    assert line.n == 3


def test_what_differs_in_its_axis_is_shown_as_the_first_has_it() -> None:
    _, matrix, histogram, panel = exhibits()
    assert isinstance(histogram, Histogram)
    other = Histogram("", histogram.x, histogram.edges * 2, histogram.groups)
    assert average([histogram, other]) is histogram
    assert average([panel, panel]) is panel
    assert to_json(average([matrix, matrix])) == to_json(matrix)


def test_exhibits_of_one_name_are_joined() -> None:
    found = merged([{"det": curve(0.0)}, {"cmc": curve(0.5), "det": curve(1.0)}])
    assert list(found) == ["det", "cmc"]
    joined = found["det"]
    assert isinstance(joined, Curve)
    assert joined.lines[0].y[0] == 0.5


def test_measured_is_a_mapping_of_estimates() -> None:
    plain = {"hit": Estimate(1.0, 1.0, 1.0, 2)}
    assert Measured.of(plain) == plain
    shown = Measured(plain, exhibits={"det": curve(0.5)}, notes=["no"])
    assert Measured.of(shown) is shown
    assert (shown.notes, list(shown.exhibits)) == (("no",), ["det"])
