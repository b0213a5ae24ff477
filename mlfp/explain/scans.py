"""Explaining a model's fingerprints of scans, and what is written of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mlfp.data import readers
from mlfp.data.chain import Chain
from mlfp.data.files import read_row
from mlfp.data.locate import locate
from mlfp.data.masks import head as head_of
from mlfp.errors import UsageError
from mlfp.execution.files import write_atomically
from mlfp.execution.progress import Progress, silent
from mlfp.explain.drawing import draw, draw_elements, write_map, write_picture
from mlfp.explain.gradcam import Baseline, Method, Saliency, correlation, saliency
from mlfp.explain.occlusion import occlusion
from mlfp.fingerprints.embedding import device_of
from mlfp.fingerprints.model import FingerprintModel
from mlfp.plugins import registry
from mlfp.types.spec import Spec
from mlfp.types.volume import Volume

RECORD = "explain.json"


@dataclass(frozen=True)
class Explained:
    """What was found of one scan.

    :param scan: its id.
    :param layer: whose map was explained; ``occlusion`` has none.
    :param picture: PNG: the image, and the image under the map.
    :param map: NIfTI: the map, from 0 to 1, on the grid of ``image``.
    :param image: NIfTI: the scan as the model sees it.
    :param inside: share of the map's mass in the head or body.
    :param inside_even: the same, were the map even: the share of the image that is head or body.
    :param fast_agreement: correlation of the exact map with the fast one; 1 where there is one map alone.
    """

    scan: str
    layer: str
    picture: Path
    map: Path
    image: Path
    inside: float
    inside_even: float
    fast_agreement: float


@dataclass(frozen=True)
class Explanation:
    """Of all scans.

    :param scans: each.
    :param alike: mean correlation between the maps of different scans; not a number for one scan.
    """

    scans: tuple[Explained, ...]
    alike: float


def volumes_of(sources: Sequence[str], wanted: Sequence[str] = ()) -> Iterator[Volume]:
    """Scans by their file, or by their id in a manifest, a folder or ``dataset:path``.

    :param sources: files of scans, or data sets.
    :param wanted: ids of scans of the data sets.
    :raises UsageError: a data set is given and no scan of it named, or it has no such scan.
    """
    left = list(wanted)
    for source in sources:
        if Path(source).is_file() and source.lower().endswith(readers.SUFFIXES):
            yield readers.read(Path(source), scan=_stem(source))
            continue
        dataset = registry().build("dataset", locate(source))
        table = dataset.table()
        rows = [row for row in table if str(row["scan"]) in wanted]
        if not rows:
            raise UsageError(
                f"no scan of {table.source} is named" if not wanted else f"{table.source} has no scan {wanted[0]!r}",
                hints=[f"Name one or more: --scan {table.scans[0]!r}"],
            )
        left = [item for item in left if item not in {str(row["scan"]) for row in rows}]
        yield from (read_row(dataset, row) for row in rows)
    if left:
        raise UsageError(f"no data set given has a scan {left[0]!r}")


def explain(
    model: FingerprintModel,
    volumes: Iterable[Volume],
    folder: Path,
    *,
    layer: str | None = None,
    method: Method | Literal["occlusion"] = "grad-cam",
    baseline: Baseline = "none",
    within: Literal["image", "head"] = "image",
    fast: bool = False,
    elements: int = 0,
    device: str = "auto",
    progress: Progress = silent,
) -> Explanation:
    """Write where the model looks in each scan; see :func:`~mlfp.explain.gradcam.saliency`.

    :param volumes: as they were read.
    :param method: ``occlusion`` is :func:`~mlfp.explain.occlusion.occlusion`, which knows no layer and no elements.
    :param within: ``head`` leaves the air around the head or body out of what is drawn and written, and compares maps
        of different scans where both heads are; which share lay inside is told of the whole map all the same.
    :param elements: so many of the fingerprint's elements are drawn one by one, as in DeepBrainPrint's figure 4.
    :raises UsageError: a scan does not fit the model, or an option does not fit the method.
    """
    if method == "occlusion":
        _refuse(layer is not None or baseline != "none" or fast or elements > 0)
    chain = Chain([Spec.parse(step) for step in model.card.preprocess])
    chosen = device_of(device)
    model = model.to(chosen).eval()
    given = list(volumes)
    found, maps = [], []
    for done, (volume, name) in enumerate(zip(given, _names(given), strict=True), start=1):
        seen = chain(volume)
        _check(model, seen)
        images = torch.from_numpy(seen.data.astype(np.float32))[None].to(chosen)
        if method == "occlusion":
            shown = Saliency("occlusion", occlusion(model.embed, images), np.zeros((0, *seen.shape), np.float32), 1.0)
        else:
            shown = saliency(model, model.embed, images, layer=layer, method=method, baseline=baseline, fast=fast)
        head = head_of(seen.data)
        found.append(_written(folder, name, seen, shown, head, within))
        if elements:
            _write_elements(folder / f"{name}_elements.png", seen, shown, elements)
        maps.append((shown.mean, head if within == "head" else np.ones_like(head)))
        progress("explaining", done, len(given))
    pairs = [_alike(*one, *other) for one, other in combinations(maps, 2)]
    explanation = Explanation(tuple(found), float(np.mean(pairs)) if pairs else float("nan"))
    settings = {"method": method, "baseline": baseline, "within": within, "fast": fast}
    _record(folder, explanation, {**settings, "model": model.digest})
    return explanation


def _refuse(wrong: bool) -> None:
    if wrong:
        raise UsageError(
            "occlusion covers the scan itself, whatever the layers and elements of the model",
            hints=["Leave --layer, --baseline, --fast and --elements out, or take another --method."],
        )


def _check(model: FingerprintModel, seen: Volume) -> None:
    wanted = (model.card.in_channels, *model.card.input_shape)
    if seen.data.shape != wanted:
        raise UsageError(
            f"the model was made for images of shape {wanted}, this one has {seen.data.shape}",
            where=seen.scan,
            hints=["Scans are preprocessed as the model's card says: is this one of the same kind?"],
        )


def _alike(one: np.ndarray, head: np.ndarray, other: np.ndarray, theirs: np.ndarray) -> float:
    """Correlation of two maps over the places that both masks have."""
    both = head & theirs
    return correlation(one[both], other[both]) if both.any() else float("nan")


def _written(folder: Path, name: str, seen: Volume, shown: Saliency, inside: np.ndarray, within: str) -> Explained:
    picture, heat, image = (folder / f"{name}{end}" for end in (".png", "_saliency.nii.gz", "_image.nii.gz"))
    drawn = shown.mean if within == "image" else _kept(shown.mean, inside)
    write_picture(picture, draw(seen, drawn, f"{seen.scan}   {shown.layer}"))
    write_map(heat, drawn, seen)
    write_map(image, seen.data[seen.data.shape[0] // 2], seen)
    total = float(shown.mean.sum())
    share = float(shown.mean[inside].sum()) / total if total > 0 else float("nan")
    return Explained(seen.scan, shown.layer, picture, heat, image, share, float(inside.mean()), shown.fast_agreement)


def _kept(shown: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """A map from 0 to 1 inside a mask, and 0 around it."""
    if not inside.any():
        return shown
    low, high = float(shown[inside].min()), float(shown[inside].max())
    found: np.ndarray = np.where(inside, (shown - low) / max(high - low, 1e-12), 0).astype(np.float32)
    return found


def _write_elements(path: Path, seen: Volume, shown: Saliency, most: int) -> None:
    if not len(shown.elements):
        raise UsageError("fast mode knows no single elements", hints=["Leave --fast or --elements out."])
    chosen = torch.from_numpy(shown.elements[:most])[:, None]
    fine = _interpolated(chosen, seen.shape).numpy()
    largest = fine.reshape(len(fine), -1).max(1).reshape(-1, *(1,) * (fine.ndim - 1))
    caption = f"{seen.scan}   elements 0 to {len(fine) - 1}, each scaled to its own largest"
    write_picture(path, draw_elements(seen, list(fine / np.maximum(largest, 1e-12)), caption))


def _interpolated(maps: Tensor, shape: tuple[int, ...]) -> Tensor:
    mode = {2: "bilinear", 3: "trilinear"}[len(shape)]
    return functional.interpolate(maps, size=shape, mode=mode, align_corners=False)[:, 0]


def _record(folder: Path, explanation: Explanation, settings: dict[str, Any]) -> None:
    scans = [{key: str(value) if isinstance(value, Path) else value for key, value in asdict(item).items()}
             for item in explanation.scans]  # fmt: skip
    alike = None if np.isnan(explanation.alike) else explanation.alike
    told = {**settings, "alike": alike, "scans": scans}
    write_atomically(folder / RECORD, json.dumps(told, indent=2).encode())


def _stem(source: str) -> str:
    name = Path(source).name
    return next(
        name[: -len(end)] for end in sorted(readers.SUFFIXES, key=len, reverse=True) if name.lower().endswith(end)
    )


def _names(volumes: Sequence[Volume]) -> list[str]:
    """A file name for each scan, all different."""
    names: list[str] = []
    for volume in volumes:
        plain = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in volume.scan)
        same = sum(item == plain or item.startswith(f"{plain}_copy") for item in names)
        names.append(f"{plain}_copy{same + 1}" if same else plain)
    return names
