"""Where the trained methods look in a few test scans: Grad-CAM laid over them, kept with each run for its report."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlfp.bench.pictures import grey, mapped
from mlfp.bench.records import RunFolder, to_json, write_text
from mlfp.errors import MlfpError

if TYPE_CHECKING:
    from PIL.Image import Image

    from mlfp.bench.execute import Workshop
    from mlfp.bench.plan import Run
    from mlfp.explain.gradcam import Saliency
    from mlfp.fingerprints.model import FingerprintModel
    from mlfp.types.volume import Volume

FILE = "saliency.json"
#: Scans that are looked at, each of another subject.
SCANS = 3
#: Elements of a fingerprint up to which each gets its own backward pass; beyond, one of their mean is taken.
EXACT = 512
#: Pixels of a plane's height in the picture.
HEIGHT = 104
_VERSION = 1


@dataclass(frozen=True)
class Overlay:
    """One scan under a method's map.

    :param jpeg: base64 of the picture: the scan, and below it the scan under the map.
    :param inside: share of the map's mass in the head or body.
    :param even: the same, were the map even.
    :param random: correlation with the map of random weights; ``nan`` where there is none to compare with.
    """

    scan: str
    width: int
    height: int
    jpeg: str
    inside: float
    even: float
    random: float


@dataclass(frozen=True)
class Looks:
    """What is kept of a method.

    :param layer: whose map was explained.
    :param grid: places of the layer's map along each axis, which the picture stretches over the scan.
    :param exact: whether each element was followed by itself.
    :param alike: mean correlation between the maps of different scans.
    :param reason: why there is nothing to see, in words; empty where there is.
    """

    layer: str = ""
    grid: tuple[int, ...] = ()
    exact: bool = True
    alike: float = float("nan")
    overlays: tuple[Overlay, ...] = field(default=())
    reason: str = ""

    def mean(self, name: str) -> float:
        """The mean over scans of ``inside``, ``even`` or ``random``."""
        return float(np.mean([getattr(item, name) for item in self.overlays])) if self.overlays else float("nan")


def keep(workshop: Workshop, runs: Iterable[tuple[Run, RunFolder]]) -> None:
    """Look over the shoulder of every trained method whose model is at hand, its first seed; what is kept stays.

    :param runs: that are done.
    """
    done = [(run, folder) for run, folder in runs if folder.model.is_file()]
    first = {run.label: folder for run, folder in reversed(done) if run.kind == "trained"}
    todo = [folder for folder in first.values() if not (folder.path / FILE).is_file()]
    if not todo:
        return
    volumes = _volumes(workshop)
    blank = next((folder for run, folder in done if run.kind == "untrained"), None)
    unlearnt = _maps(blank, volumes) if blank is not None else None
    for place, folder in enumerate(todo):
        workshop.progress("maps of where methods look", place, len(todo))
        found = _looks(_maps(folder, volumes), unlearnt, volumes)
        write_text(folder.path / FILE, to_json({"version": _VERSION, **asdict(found)}) + "\n")
    workshop.progress("maps of where methods look", len(todo), len(todo))


def read(folder: Path) -> Looks | None:
    """What is kept in a run's folder; None where it is nothing."""
    path = folder / FILE
    if not path.is_file():
        return None
    kept = json.loads(path.read_text(encoding="utf-8"))
    if kept.pop("version", None) != _VERSION:
        return None
    overlays = tuple(Overlay(**{key: _number(value) for key, value in item.items()}) for item in kept.pop("overlays"))
    grid = tuple(kept.pop("grid"))
    return Looks(**{key: _number(value) for key, value in kept.items()}, grid=grid, overlays=overlays)


def _number(value: Any) -> Any:
    return float("nan") if value is None else value


def _volumes(workshop: Workshop) -> list[Volume]:
    """The first scan of each of the first subjects of the report's map, as the methods see it."""
    from mlfp.bench.behind import PreparedScans

    shown = workshop.shown
    rows = mapped(shown.table)
    table = shown.table.select(rows if len(rows) else np.arange(len(shown)))
    _, firsts = np.unique(table.subjects.astype(str), return_index=True)
    scans = PreparedScans(shown)
    return [scans.read({"scan": table.scans[place]}) for place in np.sort(firsts)[:SCANS]]


def _maps(folder: RunFolder, volumes: Sequence[Volume]) -> list[Saliency] | str:
    """A model's map of each scan; or, in words, why there is none."""
    from mlfp.fingerprints.model import FingerprintModel

    try:
        return _explained(FingerprintModel.load(folder.model), volumes)
    except MlfpError as error:
        return error.what
    except RuntimeError as error:  # an encoder whose layers do not take a gradient, or no memory for it
        return str(error).partition("\n")[0]


def _explained(model: FingerprintModel, volumes: Sequence[Volume]) -> list[Saliency]:
    import torch

    from mlfp.explain.gradcam import saliency
    from mlfp.fingerprints.embedding import device_of

    device = device_of("auto")
    model = model.to(device).eval()
    images = [torch.from_numpy(volume.data.astype(np.float32))[None].to(device) for volume in volumes]
    with torch.inference_mode():
        length = model.embed(images[0]).shape[1]
    return [saliency(model, model.embed, image, fast=length > EXACT) for image in images]


def _looks(maps: list[Saliency] | str, unlearnt: list[Saliency] | str | None, volumes: Sequence[Volume]) -> Looks:
    from mlfp.explain.gradcam import correlation

    if isinstance(maps, str):
        return Looks(reason=maps)
    beside = unlearnt if isinstance(unlearnt, list) and unlearnt[0].layer == maps[0].layer else [None] * len(maps)
    overlays = [
        _overlay(volume, one, float("nan") if other is None else correlation(one.mean, other.mean))
        for volume, one, other in zip(volumes, maps, beside, strict=True)
    ]
    pairs = [correlation(one.mean, other.mean) for one, other in combinations(maps, 2)]
    return Looks(
        layer=maps[0].layer,
        grid=maps[0].elements.shape[1:],
        exact=len(maps[0].elements) > 0,
        alike=float(np.mean(pairs)) if pairs else float("nan"),
        overlays=tuple(overlays),
    )


def _overlay(volume: Volume, found: Saliency, random: float) -> Overlay:
    from mlfp.data.masks import foreground
    from mlfp.explain.drawing import laid_over

    inside, even = found.inside(foreground(volume.data))
    bright = volume.with_data(grey(volume.data[len(volume.data) // 2])[None])
    shown = laid_over(bright, found.mean, height=HEIGHT)
    return Overlay(volume.scan, shown.width, shown.height, _jpeg(shown), inside, even, random)


def _jpeg(image: Image) -> str:
    content = io.BytesIO()
    image.save(content, "JPEG", quality=80, optimize=True)
    return base64.b64encode(content.getvalue()).decode()
