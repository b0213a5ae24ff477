"""Every method of both papers is here by name, with its source, its dimensions, and a test of its numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from mlfp.cli.app import application
from mlfp.errors import ParameterError
from mlfp.hookspecs import OWN
from mlfp.plugins import registry
from mlfp.training.settings import TrainingSettings

TESTS = Path(__file__).parent
BOTH = [2, 3]
FSF = "Few-Shot Fingerprinting"
DBP = "DeepBrainPrint"
#: Kind and name of every method that is a component; the dimensions it works in; words of its source.
METHODS: list[tuple[str, str, list[int], str]] = [
    ("encoder", "fsf-printed-2d", [2], "He et al. 2016"),
    ("encoder", "fsf-printed-3d", [3], "Hara et al. 2018"),
    ("encoder", "fsf-released-2d", [2], FSF),
    ("encoder", "fsf-released-3d", [3], FSF),
    ("encoder", "resnet18-2d", [2], "He et al. 2016"),
    ("encoder", "slices", BOTH, DBP),
    ("loss", "triplet", BOTH, FSF),
    ("loss", "infonce-triplet", BOTH, DBP),
    ("loss", "infonce", BOTH, "van den Oord"),
    ("loss", "barlow-twins", BOTH, DBP),
    ("loss", "nt-xent", BOTH, "A Simple Framework"),
    ("loss", "simclr", BOTH, "A Simple Framework"),
    ("loss", "supcon", BOTH, "Khosla"),
    ("loss", "vicreg", BOTH, "VICReg"),
    ("loss", "soft-triple", BOTH, "Qian"),
    ("loss", "proxy-nca", BOTH, "Movshovitz-Attias"),
    ("loss", "multi-similarity", BOTH, "Wang"),
    ("loss", "arcface", BOTH, "Deng"),
    ("loss", "contrastive", BOTH, "Packhäuser"),
    ("miner", "batched-hard", BOTH, FSF),
    ("miner", "easy-positive-semihard", BOTH, "Xuan"),
    ("augmentation", "deepbrainprint", BOTH, DBP),
    ("augmentation", "negative", BOTH, DBP),
    ("augmentation", "intensity-shift", BOTH, DBP),
    ("augmentation", "legendre-bias-field", BOTH, DBP),
    ("augmentation", "affine", BOTH, DBP),
    ("augmentation", "patches", BOTH, DBP),
    ("augmentation", "elastic", BOTH, DBP),
    ("augmentation", "few-shot-fingerprinting", BOTH, FSF),
    ("augmentation", "natural-images", BOTH, "SimCLR"),
    ("preprocessor", "synthetic-contrast", BOTH, "SYNT-CONTR"),
    ("preprocessor", "normalise", BOTH, FSF),
    ("preprocessor", "percentile", BOTH, DBP),
    ("scorer", "ssim", BOTH, "Wang"),
    ("scorer", "nca", BOTH, "Goldberger"),
    ("scorer", "mlkr", BOTH, "Weinberger"),
    ("scorer", "3d-sift-rank", BOTH, "Chauvin"),
    ("scorer", "mutual-information", BOTH, "Maes"),
    ("scorer", "minimum-cross-entropy", BOTH, "Kullback"),
    ("scorer", "intensity-histogram", BOTH, "Rubner"),
    ("scorer", "header-only", BOTH, "Geirhos"),
    ("scorer", "outline", BOTH, "Dice"),
    ("scorer", "slice-voting", BOTH, "Truong"),
    ("scorer", "brainprint", [3], "Wachinger"),
    ("evaluator", "few-shot", BOTH, FSF),
]
LARS = {
    "use": "lars", "lr": 0.2, "bias_lr": 0.0048, "reference_batch": 256, "momentum": 0.9, "weight_decay": 1e-6,
    "bias_weight_decay": 0,
}  # fmt: skip
#: What is no component but a setting of a training, as a fragment of ``base``.
SETTINGS: dict[str, str] = {
    "cross-batch memory": "objective: [{loss: contrastive, memory: {size: 128, warmup: 0}}]",
    "a memory with a miner": "objective: [{loss: triplet, miner: batched-hard, memory: {size: 1024}}]",
    "projection head": "projector: {dims: [2048], norm: batch, activation: relu}",
    "frozen blocks, printed": "train: {freeze: {names: [conv1, bn1, layer1, layer2], batch_norm: frozen}}",
    "frozen blocks, released": "train: {freeze: {names: [conv1, layer1, layer2], keep: ['layer[12].0.bn[12]'], "
    "batch_norm: statistics}}",
    "linear": "objective: [{loss: barlow-twins, weight: {schedule: linear}}]\nbatch: {views: 2}",
    "constant": "objective: [{loss: barlow-twins, weight: 0.5}]\nbatch: {views: 2}",
    "step": "objective: [{loss: barlow-twins, weight: {schedule: step, at: 30}}]\nbatch: {views: 2}",
    "iterative step": "objective: [{loss: barlow-twins, weight: {schedule: iterative, every: 30}}]\nbatch: {views: 2}",
    "the released factor": "objective: [{loss: infonce-triplet, miner: easy-positive-semihard, scale: 1e4}]",
    "LARS with two rates": f"train: {{optimizer: {json.dumps(LARS)}, schedule: {{warmup: 10, floor: 1e-3}}}}",
    "cosine restarts": "train: {optimizer: adamw, schedule: {use: cosine-restarts, period: 100, unit: steps}}",
    "one cycle": "train: {optimizer: {use: sgd, lr: 0.158, momentum: 0.9}, schedule: one-cycle}",
    "random subjects with two images": "batch: {subjects: 45, scans: 2}",
    **{
        f"modality: {rule}": f"batch: {{subjects: 45, scans: 2, pair: {{column: modality, rule: {rule}}}}}"
        for rule in ("same", "different", "any")
    },
    "anchors and positives apart": "train: {encode: apart}",
    "anchors and positives together": "train: {encode: together}",
    "Macpherson: triplets of a small dimension": "encoder: {use: resnet18-2d, embedding_dim: 32}",
    "Macpherson: proxies of a small dimension": "encoder: {use: resnet18-2d, embedding_dim: 32}\n"
    "objective: [{loss: proxy-nca}]",
}


@pytest.fixture(scope="module")
def listed() -> dict[tuple[str, str], dict[str, Any]]:
    """What ``mlfp plugins list --json`` says of the built-ins, by kind and each of their names."""
    done = CliRunner().invoke(application, ["plugins", "list", "--json"])
    assert done.exit_code == 0, done.output
    components = [item for item in json.loads(done.stdout)["components"] if item["plugin"] == "mlfp"]
    return {(item["kind"], name): item for item in components for name in (item["name"], *item["aliases"])}


@pytest.mark.parametrize(("kind", "name", "dims", "source"), METHODS, ids=lambda value: str(value))
def test_a_method_is_listed_with_summary_source_and_dimensions(
    listed: dict[tuple[str, str], dict[str, Any]], kind: str, name: str, dims: list[int], source: str
) -> None:
    item = listed[kind, name]
    assert item["summary"].endswith((".", ")."))
    assert source in (item["paper"] or ""), item["paper"]
    assert item["dims"] == dims


@pytest.mark.parametrize(("kind", "name"), [method[:2] for method in METHODS])
def test_its_numbers_have_a_test(listed: dict[tuple[str, str], dict[str, Any]], kind: str, name: str) -> None:
    """A file of tests about this kind imports what makes it, or builds it by name."""
    item = listed[kind, name]
    module = item["target"].partition(":")[0]
    quoted = [f'"{text}"' for text in (item["name"], *item["aliases"])]
    folder = TESTS / "plugins" / (f"{kind}es" if kind.endswith("s") else f"{kind}s")
    files = [path for path in folder.glob("test_*.py") if path.stem != "test_real_scans"]
    texts = [path.read_text(encoding="utf-8") for path in files]
    assert any(module in text or any(word in text for word in quoted) for text in texts), f"{kind} {name}"


def test_every_component_has_a_source(listed: dict[tuple[str, str], dict[str, Any]]) -> None:
    """A work with its year, a standard, an equation, or mlfp's own; never nothing, never a word alone."""
    told = {item: listed[item]["paper"] or "" for item in listed}
    assert {
        item for item, paper in told.items() if paper != OWN and not (re.search(r"\d", paper) and " " in paper)
    } == set()


def test_no_component_s_dimensions_are_left_open(listed: dict[tuple[str, str], dict[str, Any]]) -> None:
    assert all(item["dims"] in ([2], [3], BOTH) for item in listed.values())


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_is_read_and_works_together(name: str, holds: Callable[[Any, Any], bool]) -> None:
    written = {"encoder": {"use": "resnet18-2d"}, **yaml.safe_load(SETTINGS[name])}
    settings = TrainingSettings.parse(written)
    assert holds(settings.to_config(), written)
    settings.check(registry(), in_channels=1, spatial_dims=2)


@pytest.mark.parametrize("name", ["cross-batch memory", "projection head", "linear", "modality: same", "one cycle"])
def test_a_misspelt_setting_is_not(name: str) -> None:
    text = SETTINGS[name]
    for word in ("size", "norm", "schedule", "column", "momentum"):
        text = text.replace(f"{word}:", f"{word}s:")
    with pytest.raises(ParameterError):
        TrainingSettings.parse({"encoder": "resnet18-2d", **yaml.safe_load(text)}).check(
            registry(), in_channels=1, spatial_dims=2
        )
