"""Scans to fingerprints: every scan is encoded once."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from mlfp.errors import UsageError
from mlfp.execution.progress import Progress, silent
from mlfp.fingerprints.model import FingerprintModel
from mlfp.types.fingerprints import Fingerprints
from mlfp.wording import counted

if TYPE_CHECKING:
    from mlfp.data.scans import ScanSet

Precision = Literal["32-true", "bf16-mixed"]
#: Pixels or voxels a batch, for all channels together: larger ones gain nothing on a CPU (reference: batches of 1 to 4
#: volumes of 64^3, and of 4 pictures of 224^2, cost the same per scan).
_ELEMENTS = {"cpu": 2**21, "cuda": 2**26}


def embed(
    model: FingerprintModel,
    scans: ScanSet,
    *,
    batch_size: int | None = None,
    precision: Precision = "32-true",
    device: str = "auto",
    progress: Progress = silent,
) -> Fingerprints:
    """Fingerprints of scans, in their order. The model is left where and as it was.

    :param batch_size: scans a forward pass; None chooses it by their size.
    :param precision: ``bf16-mixed`` is two to three times as fast where the processor has bfloat16; vectors are
        32 bit either way.
    :param device: ``auto`` is the first accelerator, else the CPU.
    :raises UsageError: the scans are not of the shape that the model was made for, or a fingerprint is not finite.
    """
    check_shape(model, scans)
    chosen = device_of(device)
    home = next((tensor.device for tensor in model.parameters()), torch.device("cpu"))
    lay_out(model, memory_format(model, scans.spatial_dims, precision))
    model.to(chosen)
    try:
        found = vectors(
            model.embed, model, scans, device=chosen, batch_size=batch_size, precision=precision, progress=progress
        )
    finally:
        model.to(home)
    _check_finite(found, scans)
    return Fingerprints(scans.table, found, model.digest, model.card.distance)


def vectors(
    function: Callable[[Tensor], Tensor],
    module: nn.Module,
    scans: ScanSet,
    *,
    device: torch.device,
    batch_size: int | None = None,
    precision: Precision = "32-true",
    progress: Progress = silent,
) -> np.ndarray:
    """(N, D) float32: what the function gives for every scan, with the module in evaluation mode.

    :param function: images ``(B, C, *spatial)`` to (B, D).
    :param module: whose mode is switched, and put back.
    """
    size = batch_size or batch_size_for(scans.shape, device)
    layout = memory_format(module, scans.spatial_dims, precision)
    parts = []
    with (
        _evaluating(module),
        torch.inference_mode(),
        torch.autocast(device.type, torch.bfloat16, precision != "32-true"),
    ):
        for start in range(0, len(scans), size):
            images = scans.images(np.arange(start, min(start + size, len(scans))))
            images = images.to(device, memory_format=layout)
            parts.append(function(images).float().cpu())
            progress("embedding", min(start + size, len(scans)), len(scans))
    found: np.ndarray = torch.cat(parts).numpy() if parts else np.zeros((0, 0), dtype=np.float32)
    return found


def batch_size_for(shape: tuple[int, ...], device: torch.device) -> int:
    """How many scans of shape (C, *spatial) to encode at a time."""
    elements = _ELEMENTS.get(device.type, _ELEMENTS["cuda"])
    return max(1, min(256, elements // max(1, math.prod(shape))))


def memory_format(module: nn.Module, spatial_dims: int, precision: Precision) -> torch.memory_format:
    """How images and weights should lie in memory: channels last where that was measured to be faster on a CPU.

    In 2D it is (resnet18 at 128 x 128: 132 instead of 170 ms), in 3D with bfloat16 alone, and never with instance
    normalisation, whose kernels want channels first.
    """
    if any(isinstance(part, nn.InstanceNorm2d | nn.InstanceNorm3d) for part in module.modules()):
        return torch.contiguous_format
    if spatial_dims == 2:
        return torch.channels_last
    if spatial_dims == 3 and precision == "bf16-mixed":
        return torch.channels_last_3d
    return torch.contiguous_format


def lay_out(module: nn.Module, chosen: torch.memory_format) -> None:
    """Lay the weights out in memory as the images will be."""
    if chosen is not torch.contiguous_format:
        keywords: dict[str, Any] = {"memory_format": chosen}
        module.to(**keywords)


def device_of(name: str) -> torch.device:
    """The device of a name; ``auto`` is the first accelerator, else the CPU.

    :raises UsageError: there is no such device.
    """
    if name == "auto":
        accelerator = torch.accelerator.current_accelerator(check_available=True)
        return accelerator if accelerator is not None else torch.device("cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UsageError(
            f"there is no device {name!r} here",
            hints=[
                str(error).splitlines()[0],
                "Devices: auto, cpu, cuda, cuda:1, mps, as far as the machine has them.",
            ],
        ) from error
    return device


def check_shape(model: FingerprintModel, scans: ScanSet) -> None:
    """Complain of scans that the model was not made for.

    :raises UsageError: there are none, or their shape is not the one of training: even where an encoder takes it, the
        scans were prepared in another way, and their fingerprints would not be comparable.
    """
    card = model.card
    wanted = (card.in_channels, *card.input_shape)
    if len(scans) == 0:
        raise UsageError(
            "there is no scan to embed", hints=[f"{counted(len(scans.failures), 'scan')} could not be prepared."]
        )
    if tuple(scans.shape) != wanted:
        raise UsageError(
            f"the model was made for images of shape {wanted}, these have {tuple(scans.shape)}",
            hints=["Prepare them as the model's card says (model.card.preprocess), so that they are comparable."],
        )


def _check_finite(found: np.ndarray, scans: ScanSet) -> None:
    bad = np.flatnonzero(~np.isfinite(found).all(axis=1))
    if len(bad):
        raise UsageError(
            f"{len(bad)} of {len(found)} fingerprints are not finite",
            where=f"the first is that of scan {scans.table.scans[bad[0]]!r}",
            hints=["Look at the scan for NaN or extreme values: mlfp data inspect", "Try precision 32-true."],
        )


@contextlib.contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    mode = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(mode)
