"""Integrated gradients: which voxels make a blurred scan's fingerprint that of the scan."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Literal

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor, nn
from torch.nn import functional

from mlfp.data.masks import air
from mlfp.errors import UsageError
from mlfp.execution.progress import Progress, silent
from mlfp.explain.gradcam import Saliency

NAME = "integrated-gradients"
#: Places along the way from the baseline to the scan at which the gradient is taken.
STEPS = 24
#: Standard deviation of the blur at whose end the way begins, as a share of the image's longest side: of a head in
#: voxels of 3 mm about 12 mm, so that its outline is left and its anatomy is not.
BLUR = 0.05
#: Standard deviation in voxels of the neighbourhood whose credits are added up for the map: networks that begin by
#: halving their image give single voxels a chequered pattern of both signs. Chosen by looking at maps of a few heads;
#: no script compares widths.
SMOOTH = 1.0


def integrated(
    model: nn.Module,
    forward: Callable[[Tensor], Tensor],
    images: Tensor,
    *,
    baseline: Literal["none", "air"] = "none",
    progress: Progress = silent,
) -> Saliency:
    """Explain one scan's fingerprint, voxel by voxel.

    Integrated gradients (Sundararajan, Taly and Yan 2017, eq. 1) of the similarity (cosine) that a picture's
    fingerprint has to the scan's, along the straight way from a baseline to the scan. What the voxels are credited
    with adds up to how far the similarity rises on the way (:attr:`Saliency.accounted` says how nearly).

    The map adds up neighbours' credits and keeps what raises the similarity, as Grad-CAM does.

    The baseline is the scan blurred (as in Fong and Vedaldi 2017). Air, ``baseline="air"``, is the usual one, and says
    nothing about an encoder that does not see how bright an image is, as none of mlfp's own does: all the way from air
    to the scan is the scan, dimmed.

    An encoder that turns heads upright is held to the pose of the scan, if it can be
    (:mod:`~mlfp.interfaces.encoder`); no gradient tells of a pose.

    :param model: in evaluation mode.
    :param forward: images (B, C, *spatial) to fingerprints (B, D), through ``model``.
    :param images: (1, C, *spatial).
    :raises UsageError: the encoder passes no gradient on to its image.
    """
    begin = _dark(images) if baseline == "air" else blurred(images)
    hold = getattr(getattr(model, "encoder", model), "held", contextlib.nullcontext)
    with hold(images):
        with torch.no_grad():
            own = functional.normalize(forward(images), dim=1)

        def similarity(batch: Tensor) -> Tensor:
            return functional.normalize(forward(batch), dim=1) @ own[0]

        found = integrate(similarity, begin, images, progress=progress)
        with torch.no_grad():
            rise = 1 - float(similarity(begin)[0])
    signed = found[0].sum(0).cpu().numpy()
    shown = np.maximum(ndimage.gaussian_filter(signed, SMOOTH), 0)
    largest = float(shown.max())
    mean = shown / largest if largest > 0 else shown
    return Saliency(NAME, mean, np.zeros((0, *signed.shape), np.float32), 1.0, signed=signed, rise=rise)


def integrate(
    output: Callable[[Tensor], Tensor], begin: Tensor, end: Tensor, *, steps: int = STEPS, progress: Progress = silent
) -> Tensor:
    """(1, C, *spatial): what each value is credited with of an output's way from ``begin`` to ``end``.

    The gradient in the middle of each of so many equal steps (the midpoint rule), times the step.

    :param output: ``(1, C, *spatial)`` to (1,).
    :raises UsageError: no gradient reaches the image.
    """
    total, way = torch.zeros_like(end), end - begin
    for step in range(steps):
        place = (begin + (step + 0.5) / steps * way).detach().requires_grad_()
        with torch.enable_grad():
            value = output(place).sum()
        if not value.requires_grad:
            raise UsageError(
                "this encoder passes no gradient on to its image",
                hints=["Take --method occlusion, which asks for fingerprints alone."],
            )
        (gradient,) = torch.autograd.grad(value, place)
        total += gradient / steps * way
        progress("integrating", step + 1, steps)
    return total


def blurred(images: Tensor) -> Tensor:
    """``(1, C, *spatial)`` images by a Gaussian, :data:`BLUR` of their longest side wide."""
    sigma = BLUR * max(images.shape[2:])
    found = [ndimage.gaussian_filter(channel, sigma, mode="nearest") for channel in images[0].float().cpu().numpy()]
    return torch.from_numpy(np.stack(found))[None].to(images)


def _dark(images: Tensor) -> Tensor:
    """Every channel all air."""
    values = images.new_tensor([air(channel) for channel in images[0].cpu().numpy()])
    return values.reshape(1, -1, *(1,) * (images.ndim - 2)).expand_as(images)
