"""One method: train it, and see what its model looks at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlfp.api.common import Announce, announce_failures, config_of, path_of, unheard
from mlfp.bench import checking, engine
from mlfp.bench.config import BenchConfig
from mlfp.bench.plan import Material, Run, gather, runs
from mlfp.bench.records import Record, RunFolder
from mlfp.errors import UsageError
from mlfp.execution.progress import Progress, silent

if TYPE_CHECKING:
    from mlfp.explain.gradcam import Baseline
    from mlfp.explain.scans import Explanation, Method
    from mlfp.types.measured import Measured


@dataclass(frozen=True)
class Trained:
    """A trained method.

    :param label: the method's name.
    :param model: the file with weights and card.
    :param record: settings and costs.
    :param measured: by evaluation, what was measured on the test side.
    """

    label: str
    model: Path
    record: Record
    measured: dict[str, Measured]


def train(
    config: Path | str | Mapping[str, Any],
    *,
    data: Path | str | None = None,
    out: Path | str | None = None,
    overrides: Mapping[str, str] | None = None,
    only: str | None = None,
    smoke: bool = False,
    progress: Progress = silent,
    announce: Announce = unheard,
) -> Trained:
    """Train one method of a comparison, with its first seed; a training that was stopped goes on.

    :param config: a YAML file, or its values as a mapping.
    :param data: takes the place of the configuration's data.
    :param out: folder of the model and its record; ``models/<name>`` unless given.
    :param overrides: dotted keys to YAML values, such as ``{"base.train.epochs": "5"}``.
    :param only: a pattern that fits the label of one method; needed where the configuration has several.
    :raises UsageError: the configuration has no method, or several that fit; or the folder holds another training.
    """
    parsed = engine.read(config_of(config), data=data, overrides=overrides or {}, smoke=smoke, announce=announce)
    material = gather(parsed, smoke=smoke)
    run = _the_one([run for run in runs(parsed, material, only=only) if run.kind == "trained"])
    folder = RunFolder(path_of(out) or Path("models") / parsed.name)
    with engine.locked(folder.path):
        return _trained(parsed, material, run, folder, progress=progress, announce=announce)


def _trained(
    parsed: BenchConfig, material: Material, run: Run, folder: RunFolder, *, progress: Progress, announce: Announce
) -> Trained:
    there = folder.record()
    if there is not None and there.id != run.id:
        raise UsageError(
            f"{folder.path} holds another training: {there.label}, seed {there.seed}",
            hints=["Give this one a folder of its own: -o DIR", "Or delete that one."],
        )
    from mlfp.bench.execute import Workshop, execute
    from mlfp.plugins import registry

    checking.check_components(parsed, material, progress)
    workshop = Workshop(parsed, material, progress)
    announce_failures(workshop.scans.failures, announce)
    observers = [registry().build("observer", spec) for spec in parsed.observers]
    record = execute(run, workshop, folder, observers=observers, progress=progress)
    measured = {item["name"]: folder.estimates(record, key) for key, item in record.evaluations.items()}
    return Trained(run.label, folder.model, record, measured)


def _the_one(found: Sequence[Run]) -> Run:
    labels = list(dict.fromkeys(run.label for run in found))
    if not labels:
        raise UsageError("the configuration has no method to train", hints=["Write one under 'base'."])
    if len(labels) > 1:
        raise UsageError(
            f"the configuration has {len(labels)} methods, and one can be trained at a time",
            hints=[f"Choose: --only {labels[0]!r}", f"Methods: {', '.join(labels)}", "To compare them: mlfp bench"],
        )
    return found[0]


def explain(
    model: Path | str, scans: Sequence[Path | str], *, out: Path | str, wanted: Sequence[str] = (), subjects: int = 0,
    method: Method | None = None, layer: str | None = None, baseline: Baseline = "none", fast: bool = False,
    elements: int = 0, **settings: Any,
) -> Explanation:  # fmt: skip
    """Write which voxels the fingerprints of scans look at, as PNG and NIfTI.

    :param model: a model's file, the folder that ``mlfp train`` wrote, or the name of a published one.
    :param scans: files of scans; or a manifest, a folder or ``dataset:path``, with the ids ``wanted`` or all scans of
        its first ``subjects``.
    :param out: folder of the pictures and maps.
    :param method: ``occlusion``, for any encoder; ``integrated-gradients``, voxel by voxel; ``grad-cam``
        (DeepBrainPrint's) or ``hires-cam``, of a ``layer``; None is the first, or ``grad-cam`` where one of the next
        four is given.
    :param baseline: of a layer's maps: ``air`` explains what differs from the air around; of integrated gradients:
        ``air`` begins there, and not at the scan blurred.
    :param fast: one backward pass of a layer in place of one an element.
    :param elements: so many of the fingerprint's elements are drawn one by one, as in DeepBrainPrint's figure 4.
    :param settings: see :func:`mlfp.explain.scans.explain`: ``within``, ``compare_untrained``, ``device``, ...
    :raises UsageError: there is no such model, scan or layer, or they do not fit one another.
    """
    from mlfp.explain import scans as explaining
    from mlfp.explain.sources import sources_of
    from mlfp.fingerprints.locate import model_file
    from mlfp.fingerprints.model import FingerprintModel

    how = explaining.How.of(method, layer, baseline, fast, elements)
    found = sources_of([str(scan) for scan in scans], wanted, subjects)
    return explaining.explain(FingerprintModel.load(model_file(model)), found, Path(out), how, **settings)
