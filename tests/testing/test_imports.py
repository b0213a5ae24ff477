"""What is imported at what cost is found out."""

from __future__ import annotations

import pytest

from mlfp.testing import assert_light_import


class TestImports:
    def test_a_light_module(self):
        assert_light_import("json")
        assert_light_import("mlfp.testing.pytest_plugin")
        assert_light_import("mlfp.testing")

    def test_a_heavy_one(self):
        with pytest.raises(AssertionError, match=r"importing json imports decoder_of_mine, json\.decoder"):
            assert_light_import(
                "json", heavy=["decoder_of_mine", "json.decoder"], then="sys.modules['decoder_of_mine'] = 1"
            )

    def test_one_that_prints(self):
        assert_light_import("this")

    def test_one_that_fails(self):
        with pytest.raises(AssertionError, match="No module named 'no_such_module'"):
            assert_light_import("no_such_module")
