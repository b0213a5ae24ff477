"""Every line of configuration that docs/papers.md shows is one: its components, keys and values are there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlfp.errors import MlfpError, ParameterError
from mlfp.evaluation.settings import EvaluationSpec
from mlfp.hookspecs import KINDS
from mlfp.plugins import registry
from mlfp.training.checks import OFFERED
from mlfp.training.settings import BatchSettings, TermSettings, TrainingSettings
from mlfp.training.train_settings import TrainSettings
from mlfp.types.spec import Spec

PAGE = Path(__file__).parents[2] / "docs" / "papers.md"
_BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
#: Words in code that are no configuration: what is measured, files, and a key that stands for what is done with it.
WORDS = {"code", "map_at_r", "map_at_3_k", "map_at_3_min", "kept", "move", "binary", "together", "Delta t"}


def spans() -> list[str]:
    """What stands in single backticks, each once."""
    text = _BLOCK.sub("", PAGE.read_text(encoding="utf-8"))
    return list(dict.fromkeys(re.findall(r"`([^`\n]+)`", text)))


def fragments() -> Iterator[tuple[str, Any]]:
    """Those that are configuration, read."""
    for span in spans():
        if span not in WORDS and not span.startswith("benchmarks/"):
            yield span, yaml.safe_load(span)


def kinds_of(use: str) -> list[str]:
    found = []
    for kind in KINDS:
        try:
            registry().find(kind, use)
        except ParameterError:
            continue
        found.append(kind)
    return found


def read(value: Any) -> Any:
    """What mlfp makes of a component, or of a key of a training, of its ``train``, of a term, of a batch or of a miner.

    :raises MlfpError: it is none of them, or its value is not taken.
    """
    if isinstance(value, dict) and "use" in value:
        return read_component(value)
    assert isinstance(value, dict), f"{value!r} is no configuration"
    (key,) = value
    if key in TrainingSettings.model_fields:
        return TrainingSettings.parse({"encoder": "compact-2d", **value}).to_config()
    if key in TrainSettings.model_fields:
        return TrainSettings.model_validate(value).model_dump(mode="json")
    if key in TermSettings.model_fields:
        settings = TrainingSettings.parse({"encoder": "compact-2d", "objective": [{"loss": "contrastive", **value}]})
        for kind, part in (("loss", settings.objective[0].loss), ("miner", settings.objective[0].miner)):
            if part is not None:
                registry().check(kind, part, OFFERED[kind])
        return settings.to_config()["objective"][0]
    if key in BatchSettings.model_fields:
        return BatchSettings.model_validate({"scans": 2, **value}).model_dump(mode="json")
    return registry().check("miner", Spec("batched-hard", value), OFFERED["miner"])


def read_component(value: dict[str, Any]) -> dict[str, Any]:
    spec = Spec.parse(value)
    kinds = kinds_of(spec.use)
    assert kinds, f"no component is called {spec.use!r}"
    if kinds == ["evaluator"]:
        evaluation = EvaluationSpec.parse(value)
        registry().check("evaluator", evaluation.spec, OFFERED.get("evaluator", ()))
        return evaluation.to_config()
    checked = registry().check(kinds[0], spec, OFFERED.get(kinds[0], ("spatial_dims", "spacing", "in_channels")))
    return {"use": spec.use, **checked}


def test_there_is_something_to_check() -> None:
    assert len(list(fragments())) > 40


@pytest.mark.parametrize(("span", "value"), list(fragments()), ids=lambda item: item if isinstance(item, str) else "")
def test_what_the_page_says_can_be_written(span: str, value: Any, holds: Callable[[Any, Any], bool]) -> None:
    assert holds(read(value), value)


@pytest.mark.parametrize(
    "span",
    [
        "{use: fsf-printed-4d}",
        "{use: resize, shap: [1, 2, 3]}",
        "train: {encode: appart}",
        "freeze: {names: [conv1], batch_norm: frosen}",
        "miner: {use: batched-hard, fallbak: hardest}",
        'ties: "=<"',
        "schedule: {use: cosine, warm: 10}",
        "memory: {sise: 128}",
        "batched-hard",
    ],
)
def test_what_cannot_be_written_is_found_out(span: str) -> None:
    with pytest.raises((MlfpError, AssertionError, ValueError)):
        read(yaml.safe_load(span))
