"""Explaining a model's fingerprints of scans, and what is written of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from mlfp.data.chain import Chain
from mlfp.data.masks import foreground
from mlfp.errors import UsageError
from mlfp.execution.files import write_atomically
from mlfp.execution.progress import Progress, silent
from mlfp.explain.drawing import draw, draw_elements, lit, write_map, write_picture
from mlfp.explain.gradcam import Baseline, Saliency, correlation, saliency
from mlfp.explain.gradcam import Method as LayerMethod
from mlfp.explain.integrated import integrated
from mlfp.explain.occlusion import occlusion
from mlfp.explain.sources import Source
from mlfp.fingerprints.embedding import device_of
from mlfp.fingerprints.model import FingerprintModel, untrained
from mlfp.types.spec import Spec
from mlfp.types.volume import Volume

RECORD = "explain.json"
Method = Literal["occlusion", "integrated-gradients"] | LayerMethod


@dataclass(frozen=True)
class How:
    """The way to explain.

    See :func:`~mlfp.explain.occlusion.occlusion`, :func:`~mlfp.explain.integrated.integrated` and
    :func:`~mlfp.explain.gradcam.saliency`.

    :raises UsageError: something of a layer is asked for, of a method that asks none.
    """

    method: Method = "occlusion"
    layer: str | None = None
    baseline: Baseline = "none"
    fast: bool = False
    elements: int = 0

    def __post_init__(self) -> None:
        # Integrated gradients have a baseline as well.
        if self.method == "occlusion" and (self._of_a_layer() or self.baseline != "none"):
            raise UsageError(
                "occlusion covers the scan itself, whatever the layers and elements of the model",
                hints=["Take --method grad-cam, or leave --layer, --baseline, --fast and --elements out."],
            )
        if self.method == "integrated-gradients" and self._of_a_layer():
            raise UsageError(
                "integrated gradients are of the scan itself, whatever the layers and elements of the model",
                hints=["Take --method grad-cam, or leave --layer, --fast and --elements out."],
            )

    @classmethod
    def of(cls, method: Method | None, layer: str | None, baseline: Baseline, fast: bool, elements: int) -> How:
        """Occlusion unless named otherwise, Grad-CAM where something of a layer is asked for."""
        found = cls("grad-cam", layer, baseline, fast, elements)
        of_a_layer = found._of_a_layer() or baseline != "none"
        return replace(found, method=method or ("grad-cam" if of_a_layer else "occlusion"))

    def _of_a_layer(self) -> bool:
        return self.layer is not None or self.fast or self.elements > 0

    def __call__(self, model: FingerprintModel, images: Tensor, progress: Progress = silent) -> Saliency:
        """Explain the fingerprint of ``(1, C, *spatial)``."""
        if self.method == "occlusion":
            shown = occlusion(model.embed, images, progress)
            return Saliency("occlusion", shown, np.zeros((0, *shown.shape), np.float32), 1.0)
        if self.method == "integrated-gradients":
            return integrated(model, model.embed, images, baseline=self.baseline, progress=progress)
        return saliency(
            model, model.embed, images,
            layer=self.layer, method=self.method, baseline=self.baseline, fast=self.fast,
        )  # fmt: skip


@dataclass(frozen=True)
class Explained:
    """What was found of one scan.

    :param scan: its id.
    :param subject: whose it is, where it came from a data set.
    :param layer: whose map was explained; the method, where it asks none.
    :param picture: PNG: the image, and the image under the map.
    :param map: NIfTI: the map, from 0 to 1, on the grid of ``image``.
    :param image: NIfTI: the scan as the model sees it.
    :param inside: share of the map's mass in the head or body.
    :param inside_even: the same, were the map even wherever the network looks: mostly the head's share of the image.
    :param fast_agreement: correlation of the exact map with the fast one; 1 where there is one map alone.
    :param accounted: of integrated gradients, what the voxels' credits add up to, as a share of what they should.
    :param untrained: correlation, inside, with the map of the same network before training; not a number unless asked.
    """

    scan: str
    subject: str
    layer: str
    picture: Path
    map: Path
    image: Path
    inside: float
    inside_even: float
    fast_agreement: float
    accounted: float
    untrained: float


@dataclass(frozen=True)
class Explanation:
    """Of all scans.

    :param scans: each.
    :param same: mean correlation between the maps of two scans of one subject, where both heads are.
    :param different: the same, of two subjects; scans of which nobody said whose they are count as different people's.
        Either is not a number where there are no two such scans.
    """

    scans: tuple[Explained, ...]
    same: float
    different: float


def explain(
    model: FingerprintModel,
    sources: Iterable[Source],
    folder: Path,
    how: How,
    *,
    within: Literal["image", "head"] = "image",
    compare_untrained: bool = False,
    device: str = "auto",
    progress: Progress = silent,
) -> Explanation:
    """Write where the model looks in each scan.

    :param sources: scans as they were read.
    :param within: ``head`` leaves the air around the head or body out of what is drawn and written; which share lay
        inside is told of the whole map all the same.
    :param compare_untrained: whether the same network with its weights before training is explained as well: a map
        that is the same for both shows the image and the network's shape, not what was learnt (Adebayo et al. 2018).
    :raises UsageError: a scan does not fit the model.
    """
    chain = Chain([Spec.parse(step) for step in model.card.preprocess])
    chosen = device_of(device)
    model = model.to(chosen).eval()
    blank = untrained(model.card, model.card.seed).to(chosen).eval() if compare_untrained else None
    given = list(sources)
    found: list[Explained] = []
    maps: list[_Map] = []
    for done, (source, name) in enumerate(zip(given, _names([item.volume for item in given]), strict=True), start=1):
        seen = chain(source.volume)
        _check(model, seen)
        images = torch.from_numpy(seen.data.astype(np.float32))[None].to(chosen)
        shown, head = how(model, images, progress), foreground(seen.data)
        maps.append(_Map(source.subject, shown.mean, head))
        other = float("nan") if blank is None else maps[-1].alike(_Map("", how(blank, images).mean, head))
        found.append(_written(folder, name, seen, shown, maps[-1], within == "head", other))
        if how.elements:
            _write_elements(folder / f"{name}_elements.png", seen, shown, how.elements)
        progress("explaining", done, len(given))
    pairs = list(combinations(maps, 2))
    same = [one.alike(other) for one, other in pairs if one.same(other)]
    different = [one.alike(other) for one, other in pairs if not one.same(other)]
    explanation = Explanation(tuple(found), _mean(same), _mean(different))
    _record(folder, explanation, {**asdict(how), "within": within, "model": model.digest})
    return explanation


@dataclass(frozen=True)
class _Map:
    subject: str
    map: np.ndarray
    head: np.ndarray

    def same(self, other: _Map) -> bool:
        return bool(self.subject) and self.subject == other.subject

    def alike(self, other: _Map) -> float:
        """Correlation of two maps over the places that both masks have."""
        both = self.head & other.head
        return correlation(self.map[both], other.map[both]) if both.any() else float("nan")


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def _check(model: FingerprintModel, seen: Volume) -> None:
    wanted = (model.card.in_channels, *model.card.input_shape)
    if seen.data.shape != wanted:
        raise UsageError(
            f"the model was made for images of shape {wanted}, this one has {seen.data.shape}",
            where=seen.scan,
            hints=["Scans are preprocessed as the model's card says: is this one of the same kind?"],
        )


def _written(
    folder: Path, name: str, seen: Volume, shown: Saliency, found: _Map, within_head: bool, blank: float
) -> Explained:
    picture, heat, image = (folder / f"{name}{end}" for end in (".png", "_saliency.nii.gz", "_image.nii.gz"))
    drawn = _kept(shown.mean, found.head) if within_head else shown.mean
    write_picture(picture, draw(seen, lit(drawn), f"{seen.scan}   {shown.layer}"))
    write_map(heat, drawn, seen)
    if shown.signed is not None:
        write_map(folder / f"{name}_credits.nii.gz", shown.signed, seen)
    write_map(image, seen.data[seen.data.shape[0] // 2], seen)
    inside, even = shown.inside(found.head)
    return Explained(
        seen.scan, found.subject, shown.layer, picture, heat, image,
        inside, even, shown.fast_agreement, shown.accounted, blank,
    )  # fmt: skip


def _kept(shown: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """A map from 0 to 1 inside a mask, and 0 around it."""
    if not inside.any():
        return shown
    low, high = float(shown[inside].min()), float(shown[inside].max())
    found: np.ndarray = np.where(inside, (shown - low) / max(high - low, 1e-12), 0).astype(np.float32)
    return found


def _write_elements(path: Path, seen: Volume, shown: Saliency, most: int) -> None:
    if not len(shown.elements) or shown.place is None:
        raise UsageError("fast mode knows no single elements", hints=["Leave --fast or --elements out."])
    fine = shown.place(torch.from_numpy(shown.elements[:most]).to(shown.place.grid.device)).cpu().numpy()
    largest = fine.reshape(len(fine), -1).max(1).reshape(-1, *(1,) * (fine.ndim - 1))
    caption = f"{seen.scan}   elements 0 to {len(fine) - 1}, each scaled to its own largest"
    write_picture(path, draw_elements(seen, list(fine / np.maximum(largest, 1e-12)), caption))


def _record(folder: Path, explanation: Explanation, settings: dict[str, Any]) -> None:
    write_atomically(folder / RECORD, json.dumps({**settings, **told(explanation)}, indent=2).encode())


def told(explanation: Explanation) -> dict[str, Any]:
    """As JSON has it: no paths, and nothing where there is no number."""
    found = asdict(explanation)
    scans = [{key: _plain(value) for key, value in item.items()} for item in found.pop("scans")]
    return {**{key: _plain(value) for key, value in found.items()}, "scans": scans}


def _plain(value: object) -> object:
    if isinstance(value, Path):
        return str(value)
    return None if isinstance(value, float) and np.isnan(value) else value


def _names(volumes: Sequence[Volume]) -> list[str]:
    """A file name for each scan, all different."""
    names: list[str] = []
    for volume in volumes:
        plain = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in volume.scan)
        same = sum(item == plain or item.startswith(f"{plain}_copy") for item in names)
        names.append(f"{plain}_copy{same + 1}" if same else plain)
    return names
