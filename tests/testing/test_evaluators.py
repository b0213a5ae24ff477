"""The check of an evaluator refuses what breaks its contract.

That it lets pass what keeps it is shown by test_contracts.py.
"""

from __future__ import annotations

import pytest

from mlfp.testing import ContractError, check_evaluator
from mlfp.types.estimate import Estimate


class Measuring:
    needs = "ranking"

    def __init__(self, found):
        self.found = found

    def __call__(self, trial):
        return self.found() if callable(self.found) else self.found


class TestEvaluator:
    def test_a_good_one(self):
        check_evaluator(Measuring({"hit_at_1": Estimate(0.5, 0.4, 0.6, 30)}))

    @pytest.mark.parametrize(
        ("found", "said"),
        [
            ({}, "estimates by name"),
            ({"hit_at_1": 0.5}, "should be an Estimate, is float"),
            ({"Hit@1": Estimate(0.5, 0.4, 0.6, 30)}, "lower-case words"),
            ({"hit_at_1": Estimate(0.5, 0.6, 0.7, 30)}, "outside its interval"),
            ({"hit_at_1": Estimate(float("nan"), 0, 1, 30)}, "is nan"),
            ({"hit_at_1": Estimate(0.5, 0.4, 0.6, 0)}, "rests on 0 queries"),
            (lambda: {"hit_at_1": Estimate(next(_growing), 0, 99, 3)}, "other values for the same trial"),
        ],
    )
    def test_broken_ones(self, found, said):
        with pytest.raises(ContractError, match=said):
            check_evaluator(Measuring(found))

    def test_needs(self):
        broken = Measuring({})
        broken.needs = "pixels"
        with pytest.raises(ContractError, match="one of ranking, scores, scans, vectors, model, is 'pixels'"):
            check_evaluator(broken)


_growing = iter(range(99))
