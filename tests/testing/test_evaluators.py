"""The check of an evaluator refuses what breaks its contract.

That it lets pass what keeps it is shown by test_contracts.py.
"""

from __future__ import annotations

import importlib
import random
import sys

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

    def test_drawing_from_a_global_generator(self):
        with pytest.raises(ContractError, match="drew from random's global generator"):
            check_evaluator(Measuring(lambda: {"hit_at_1": Estimate(0.5 + 0 * random.random(), 0.4, 0.6, 30)}))

    def test_a_library_that_draws_while_it_is_imported(self, tmp_path, monkeypatch):
        library = tmp_path / "drawing_when_imported.py"
        library.write_text("import random, numpy, torch\nrandom.random(), numpy.random.rand(), torch.rand(1)\n")
        monkeypatch.syspath_prepend(tmp_path)

        def measured():
            found = importlib.import_module("drawing_when_imported")
            return {"hit_at_1": Estimate(0.5, 0.4, 0.6, 30 if found.__name__ else 0)}

        finders = list(sys.meta_path)
        check_evaluator(Measuring(measured))
        assert "drawing_when_imported" in sys.modules
        assert sys.meta_path == finders
        monkeypatch.delitem(sys.modules, "drawing_when_imported")


_growing = iter(range(99))
