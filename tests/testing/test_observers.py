"""The check of an observer refuses what breaks its contract.

That it lets pass what keeps it is shown by test_contracts.py.
"""

from __future__ import annotations

import pytest

from mlfp.testing import ContractError, check_observer


class Quiet:
    def run_started(self, name, folder, settings): ...

    def step_finished(self, step, values): ...

    def run_finished(self, values): ...


class Deaf:
    run_started = Quiet.run_started
    step_finished = Quiet.step_finished


class Once(Quiet):
    def run_started(self, name, folder, settings):
        (folder / "log").mkdir()


class TestObserver:
    def test_a_good_one(self, tmp_path):
        check_observer(Quiet(), tmp_path)

    @pytest.mark.parametrize(
        ("broken", "said"),
        [(Deaf(), "no method run_finished"), (Once(), "during its resumption raised FileExistsError")],
    )
    def test_broken_ones(self, broken, said, tmp_path):
        with pytest.raises(ContractError, match=said):
            check_observer(broken, tmp_path)
