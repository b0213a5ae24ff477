"""For plugin authors: executable contracts of every extension point, and fakes to test a plugin with.

A plugin's test is a line a component::

    from mlfp.testing import check_loss

    def test_soft_margin_keeps_the_contract_of_losses():
        check_loss(SoftMarginTripletLoss())

A check raises :class:`ContractError`, which says what was expected and what came. pytest finds the fixtures of
:mod:`mlfp.testing.pytest_plugin` by itself. Everything loads on first use, so that a test session that needs none of
it imports no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlfp.testing.augmentations import check_augmentation
    from mlfp.testing.components import check_component
    from mlfp.testing.contract import ContractError
    from mlfp.testing.datasets import check_dataset
    from mlfp.testing.encoders import check_encoder
    from mlfp.testing.evaluators import check_evaluator
    from mlfp.testing.imports import assert_light_import
    from mlfp.testing.indexes import check_index
    from mlfp.testing.losses import check_loss
    from mlfp.testing.miners import check_miner
    from mlfp.testing.models import check_model
    from mlfp.testing.observers import check_observer
    from mlfp.testing.preprocessors import check_preprocessor
    from mlfp.testing.scorers import check_scorer
    from mlfp.testing.site import Site

__all__ = [
    "ContractError",
    "Site",
    "assert_light_import",
    "check_augmentation",
    "check_component",
    "check_dataset",
    "check_encoder",
    "check_evaluator",
    "check_index",
    "check_loss",
    "check_miner",
    "check_model",
    "check_observer",
    "check_preprocessor",
    "check_scorer",
]

_HOMES = {
    "ContractError": "contract",
    "Site": "site",
    "assert_light_import": "imports",
    "check_augmentation": "augmentations",
    "check_component": "components",
    "check_dataset": "datasets",
    "check_encoder": "encoders",
    "check_evaluator": "evaluators",
    "check_index": "indexes",
    "check_loss": "losses",
    "check_miner": "miners",
    "check_model": "models",
    "check_observer": "observers",
    "check_preprocessor": "preprocessors",
    "check_scorer": "scorers",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"mlfp.testing.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'mlfp.testing' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
