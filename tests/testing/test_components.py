"""The check of a component refuses what breaks its contract.

That it lets pass what keeps it is shown by test_contracts.py.
"""

from __future__ import annotations

import pytest

from mlfp.registry import Component, Registry
from mlfp.testing import ContractError, check_component


class Typed:
    def __init__(self, size: int = 3) -> None: ...


class Untyped:
    def __init__(self, size=3, more=()) -> None: ...


class Mistyped:
    def __init__(self, size: int = "big") -> None: ...


class Anything:
    def __init__(self, **anything: int) -> None: ...


class TestComponent:
    @pytest.mark.parametrize(
        ("target", "said"),
        [
            ("Typed", "Typed cannot be called"),
            ("Untyped", "mine/a: size, more have no type"),
            ("Mistyped", "checking its own default raised ParameterError"),
            ("Anything", "takes any keyword"),
            ("Nothing", "importing .* raised ComponentImportError"),
        ],
    )
    def test_parameters_are_checked(self, target, said):
        component = Component("loss", "mine", "a", f"{__name__}:{target}", summary="x")
        registry = Registry()
        registry.add([component])
        with pytest.raises(ContractError, match=said):
            check_component(registry, component)
