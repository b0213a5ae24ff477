"""The check of a preprocessor refuses what breaks its contract.

That it lets pass what keeps it is shown by test_contracts.py.
"""

from __future__ import annotations

import numpy as np
import pytest

from mlfp.testing import ContractError, check_preprocessor
from mlfp.types.volume import Volume


def halved(volume: Volume) -> Volume:
    return volume.with_data(volume.data / 2)


def anonymous(volume: Volume) -> Volume:
    return Volume(volume.data, volume.affine)


def overwriting(volume: Volume) -> Volume:
    volume.data[...] = 0
    return volume


def dividing(volume: Volume) -> Volume:
    return volume.with_data(volume.data * np.inf)


class TestPreprocessor:
    def test_a_good_one(self):
        check_preprocessor(halved)

    @pytest.mark.parametrize(
        ("broken", "said"),
        [
            (anonymous, "forgets which scan"),
            (overwriting, "changes the scan"),
            (dividing, "not finite"),
            (lambda volume: volume, "another process"),
            (lambda volume: volume.data, "should give a Volume"),
        ],
    )
    @pytest.mark.filterwarnings("ignore:invalid value")
    def test_broken_ones(self, broken, said):
        with pytest.raises(ContractError, match=said):
            check_preprocessor(broken)
