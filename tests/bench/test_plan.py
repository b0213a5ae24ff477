"""What a run is known by: components, those among their parameters too, and files of weights by their content."""

from __future__ import annotations

import pytest

from mlfp.bench.plan import _component
from mlfp.types.spec import Spec


@pytest.mark.parametrize("part", ["compact-2d", {"use": "compact-2d"}])
def test_a_component_among_parameters_counts_with_its_version(part: object) -> None:
    assert _component("encoder", Spec("slices", {"encoder": part, "pool": "max"})) == (
        "encoder mlfp/slices 1 of encoder mlfp/compact-2d 1"
    )


def test_a_library_s_part_counts_with_the_library_s_version() -> None:
    spec = Spec("pml:TripletMarginLoss", {"reducer": {"use": "pml:MeanReducer"}})
    whole, part = _component("loss", spec).split(" of ")
    assert whole.split()[:2] == ["loss", "pml:TripletMarginLoss"]
    assert part.split() == ["part", "pml:MeanReducer", whole.split()[2]]


def test_plain_parameters_do_not() -> None:
    assert " of " not in _component("encoder", Spec("compact-2d", {"norm": "batch", "grid": [2, 2]}))
