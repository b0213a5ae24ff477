"""Grad-CAM of a fingerprint: for every element the places that raise it, and their mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from mlfp.errors import UsageError
from mlfp.explain.layers import find_layer, tapped
from mlfp.explain.placing import Placing, placing, points_of

Method = Literal["grad-cam", "hires-cam"]
Baseline = Literal["none", "air"]


@dataclass(frozen=True)
class Saliency:
    """Where a fingerprint looks.

    :param layer: whose map was explained.
    :param mean: (*spatial) float32 from 0 to 1: the mean over the elements, on the image's grid.
    :param elements: (D, *map) float32, each element's own, on the layer's grid; (0, *map) in fast mode.
    :param fast_agreement: correlation over the image of the exact mean with what fast mode gives; 1 in fast mode.
    :param place: brings maps of the layer to the image's grid; None where no layer was asked.
    :param signed: (*spatial) what each voxel is credited with, of integrated gradients; None of others.
    :param rise: what those should add up to.
    """

    layer: str
    mean: np.ndarray
    elements: np.ndarray
    fast_agreement: float
    place: Placing | None = None
    signed: np.ndarray | None = None
    rise: float = float("nan")

    @property
    def accounted(self) -> float:
        """What the voxels' credits add up to, as a share of what they should; not a number where nothing rose."""
        return float(self.signed.sum()) / self.rise if self.signed is not None and self.rise > 1e-5 else float("nan")

    def inside(self, mask: np.ndarray) -> tuple[float, float]:
        """Share of the map's mass in a mask, and what it would be, were the map even wherever the network looks."""
        even = np.ones(self.mean.shape) if self.place is None else self.place.seen[0].cpu().numpy()
        return _share(self.mean, mask), _share(even, mask)


def saliency(
    model: nn.Module,
    forward: Callable[[Tensor], Tensor],
    images: Tensor,
    *,
    layer: str | None = None,
    method: Method = "grad-cam",
    baseline: Baseline = "none",
    fast: bool = False,
) -> Saliency:
    """Explain one scan's fingerprint.

    Grad-CAM (Selvaraju et al. 2017) weighs the maps of a layer by the mean of an output's gradient over each, adds
    them, and keeps what is positive. As in DeepBrainPrint (Puglisi et al. 2023, appendix C) every element of the
    fingerprint is an output, and the maps are averaged and scaled to [0, 1]. Exact takes one backward pass an element,
    from the fingerprint to the layer only. ``fast`` takes one, of the elements' mean: the same sum without keeping the
    positive part of each element before they are added, so that elements that are lowered at a place cancel those that
    are raised there.

    ``hires-cam`` (Draelos and Carin 2020) weighs every place of a map by its own gradient in place of the map's mean:
    what Grad-CAM cannot tell apart for encoders that flatten their last map, and so see where things are.

    A map is laid over the image where its cells lie (:mod:`~mlfp.explain.placing`), and where the encoder saw the
    image: turned back, if it turned it.

    A layer's maps are rarely 0 in the air around a head, and count there as anywhere. ``baseline="air"`` takes away
    from each map what most of its border shows, so that what is explained is the difference that the head makes.

    :param model: in evaluation mode.
    :param forward: images (1, C, *spatial) to fingerprints (1, D), through ``model``.
    :param layer: its name; None is the last convolution.
    :raises UsageError: there is no such layer, or it gives several maps of one scan.
    """
    name, lattice = find_layer(model, forward, images, layer)
    with tapped(model.get_submodule(name)) as found, torch.enable_grad():
        embedded = forward(images)[0]
    if len(found) != 1 or found[0].shape[0] != 1:
        raise UsageError(
            f"layer {name!r} gives {sum(len(item) for item in found)} maps of one scan",
            hints=["Its encoder sees slices or patches of the scan apart: cut one out to explain it."],
        )
    maps = found[0]
    place = placing(lattice, maps.shape[2:], images, points_of(model, images, name))
    shown = maps.detach() - _air(maps.detach()) if baseline == "air" else maps.detach()
    if fast:
        (gradient,) = torch.autograd.grad(embedded.mean(), maps)
        coarse = _weighed(shown, gradient, method).clamp_min(0)
        return Saliency(name, _scaled(coarse, place), np.zeros((0, *coarse.shape), np.float32), 1.0, place)
    raw = torch.stack([_weighed(shown, _gradient(element, maps), method) for element in embedded])
    exact, cancelled = _scaled(raw.clamp_min(0).mean(0), place), _scaled(raw.mean(0).clamp_min(0), place)
    return Saliency(name, exact, raw.clamp_min(0).float().cpu().numpy(), correlation(exact, cancelled), place)


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Pearson's, over all places; not a number where one of them is the same everywhere."""
    one, other = first.ravel() - first.mean(), second.ravel() - second.mean()
    length = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / length if length > 0 else float("nan")


def _share(shown: np.ndarray, mask: np.ndarray) -> float:
    total = float(shown.sum())
    return float(shown[mask].sum()) / total if total > 0 else float("nan")


def _gradient(element: Tensor, maps: Tensor) -> Tensor:
    (found,) = torch.autograd.grad(element, maps, retain_graph=True)
    return found


def _weighed(maps: Tensor, gradient: Tensor, method: Method) -> Tensor:
    """(*map): maps (1, K, *map) times their weights, added up."""
    if method == "grad-cam":
        gradient = gradient.mean(tuple(range(2, gradient.ndim)), keepdim=True)
    return (gradient * maps).sum(1)[0]


def _air(maps: Tensor) -> Tensor:
    """(1, K, 1, ...): the median over the border of each of the maps (1, K, *map)."""
    faces = [maps.select(axis, end).flatten(2) for axis in range(2, maps.ndim) for end in (0, -1)]
    return torch.cat(faces, dim=2).median(dim=2).values.reshape(1, -1, *(1,) * (maps.ndim - 2))


def _scaled(coarse: Tensor, place: Placing) -> np.ndarray:
    """A map on the image's grid, from 0 to 1; all 0 where it is the same everywhere."""
    fine = place(coarse[None])[0]
    low, high = fine.min(), fine.max()
    shown = (fine - low) / (high - low) if high > low else torch.zeros_like(fine)
    found: np.ndarray = shown.detach().cpu().numpy().astype(np.float32)
    return found
