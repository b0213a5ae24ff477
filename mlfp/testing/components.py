"""The contract of whatever a name stands for: what ``mlfp plugins check`` runs."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mlfp import parameters
from mlfp.registry import Component, Registry
from mlfp.testing.augmentations import check_augmentation
from mlfp.testing.contract import reported, require
from mlfp.testing.datasets import check_dataset
from mlfp.testing.encoders import check_encoder
from mlfp.testing.evaluators import check_evaluator
from mlfp.testing.indexes import check_index
from mlfp.testing.losses import check_loss
from mlfp.testing.miners import check_miner
from mlfp.testing.models import check_model
from mlfp.testing.observers import check_observer
from mlfp.testing.preprocessors import check_preprocessor
from mlfp.testing.scorers import check_scorer
from mlfp.types.spec import Spec

#: What an engine offers, in sizes that suit the made-up batches of the checks.
_OFFERED = {"num_classes": 6, "embedding_size": 8, "distance": "cosine"}
Make = Callable[..., Any]


def check_component(registry: Registry, component: Component, examples: Mapping[str, Any] | None = None) -> None:
    """Check a registered component: its target, its parameters, and the contract of its kind in each of its dimensions.

    :param registry: where it is registered.
    :param examples: values for parameters that have no default.
    :raises ContractError: it breaks the contract.
    """
    spec, kind = Spec(component.id, examples or {}), component.kind
    with reported(f"importing {component.target}"):
        target = component.load()
    check_parameters(component, target)

    def make(**context: Any) -> Any:
        with reported(f"making {component.id} with {dict(spec.parameters)!r}"):
            return registry.build(kind, spec, **_OFFERED, **context)

    if kind == "encoder":
        for dims in component.works_in:
            check_encoder(_factory(registry, spec), spatial_dims=dims)
    elif kind in _CHECKS_BY_DIMS:
        for dims in component.works_in:
            context = {"spatial_dims": dims, "in_channels": 1, "spacing": (1.0,) * dims}
            _CHECKS_BY_DIMS[kind](make(**context), spatial_dims=dims)
    elif kind in _CHECKS_IN_FOLDER:
        with tempfile.TemporaryDirectory() as folder:
            _CHECKS_IN_FOLDER[kind](make, Path(folder))
    elif kind == "model":
        check_model(target)
    else:
        _CHECKS[kind](make())


_CHECKS: dict[str, Callable[[Any], None]] = {
    "dataset": functools.partial(check_dataset, scans=1),
    "miner": check_miner,
    "loss": check_loss,
    "evaluator": check_evaluator,
}
_CHECKS_BY_DIMS: dict[str, Callable[..., None]] = {
    "augmentation": check_augmentation,
    "preprocessor": check_preprocessor,
    "scorer": check_scorer,
}
_CHECKS_IN_FOLDER: dict[str, Callable[[Make, Path], None]] = {
    "index": check_index,
    "observer": lambda make, folder: check_observer(make(), folder),
}
#: The kinds that :func:`check_component` knows.
CHECKED = frozenset({"encoder", "model", *_CHECKS, *_CHECKS_BY_DIMS, *_CHECKS_IN_FOLDER})


def _factory(registry: Registry, spec: Spec) -> Make:
    def build(**context: Any) -> Any:
        return registry.build("encoder", spec, **context)

    build.__name__ = spec.use
    return build


def check_parameters(component: Component, target: Callable[..., Any]) -> None:
    """Check that a component's parameters can be written in a configuration and checked before anything runs.

    :raises ContractError: a parameter without a type, a default that is not of it, or a signature that takes anything.
    """
    known, open_ended = parameters.parameters_of(target)
    require(not open_ended, f"{component.id} takes any keyword, so that a misspelt one would pass: name them")
    untyped = [item.name for item in known.values() if item.annotation is Any and not item.inherited]
    verb, fitting = "has" if len(untyped) == 1 else "have", ", ".join(f"{name}: int" for name in untyped)
    require(
        not untyped,
        f"{component.id}: {', '.join(untyped)} {verb} no type, so that what a configuration gives cannot be checked: "
        f"write {fitting}, or what fits",
    )
    for item in known.values():
        what = f"{component.id}: {item.name}"
        if not item.required and not item.inherited:
            with reported(f"{what}: checking its own default"):
                parameters.convert(item.annotation, item.default, what=what)
    with reported(f"the JSON schema of {component.id}"):
        parameters.json_schema(target)
