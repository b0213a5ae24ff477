"""``mlfp.testing`` gives its parts by name, and imports each when it is used."""

from __future__ import annotations

import pytest

from mlfp.testing import ContractError
from mlfp.testing.contract import ContractError as Same


def test_the_package_gives_what_it_names():
    import mlfp.testing

    assert ContractError is Same
    assert all(hasattr(mlfp.testing, name) for name in mlfp.testing.__all__)
    assert set(mlfp.testing.__all__) <= set(dir(mlfp.testing))
    with pytest.raises(AttributeError, match="no attribute 'check_nothing'"):
        mlfp.testing.check_nothing  # noqa: B018 - looking it up is the test
