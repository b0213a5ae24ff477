"""The contract of encoders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from mlfp.seeds import seeded_globals
from mlfp.testing.contract import images, name_of, reported, require, same

_SHAPES = {2: (48, 40), 3: (24, 32, 24)}


def check_encoder(
    factory: Callable[..., nn.Module],
    *,
    spatial_dims: int,
    shape: tuple[int, ...] | None = None,
    in_channels: tuple[int, ...] = (1, 2),
    embedding_dim: int = 16,
    **parameters: Any,
) -> None:
    """Check what makes an encoder against :mod:`mlfp.interfaces.encoder`.

    :param factory: what is registered: called with ``in_channels``, ``spatial_dims``, ``embedding_dim`` and parameters.
    :param spatial_dims: 2 or 3.
    :param shape: size of the images to try; small unless given.
    :param in_channels: the numbers of channels to try.
    :param embedding_dim: D to ask for.
    :param parameters: passed on to the factory.
    :raises ContractError: it makes no module, or vectors of another shape, depends on the other rows of a batch,
        cannot be trained, or cannot be built again from its seed.
    """
    name, sizes = name_of(factory), shape or _SHAPES[spatial_dims]

    def make(channels: int) -> nn.Module:
        asked = {"in_channels": channels, "spatial_dims": spatial_dims, "embedding_dim": embedding_dim}
        with reported(f"{name}({asked})"), seeded_globals("mlfp.testing", "encoder"):
            return factory(**asked, **parameters)

    for channels in in_channels:
        encoder, batch = make(channels), images(3, channels, sizes)
        require(isinstance(encoder, nn.Module), f"{name} should make a torch.nn.Module, made {name_of(encoder)}")
        _check_vectors(name, encoder, batch, embedding_dim)
    _check_training(name, encoder, batch)
    _check_rebuilding(name, encoder, make(channels), batch)


def _check_vectors(name: str, encoder: nn.Module, batch: Tensor, embedding_dim: int) -> None:
    encoder.eval()
    kept = batch.clone()
    with torch.no_grad(), reported(f"{name} on images {tuple(batch.shape)}"):
        found, again, alone = encoder(batch), encoder(batch), encoder(batch[:1])
    require(isinstance(found, Tensor), f"{name} should give a tensor, gave {name_of(found)}")
    wanted = (len(batch), embedding_dim)
    require(tuple(found.shape) == wanted, f"{name} should give (B, D) = {wanted}, gave {tuple(found.shape)}")
    require(found.dtype == torch.float32, f"{name} should give float32, gave {found.dtype}")
    require(bool(found.isfinite().all()), f"{name} gives vectors that are not finite")
    require(torch.equal(batch, kept), f"{name} changes the images it is given")
    require(same(found, again), f"{name} in evaluation mode gives another vector the second time")
    require(same(found[:1], alone), f"{name} in evaluation mode: an image's vector depends on the others of its batch")
    require(not same(found[0], found[1], 1e-7), f"{name} gives different images the same vector")


def _check_training(name: str, encoder: nn.Module, batch: Tensor) -> None:
    encoder.train()
    with reported(f"{name} in training mode"):
        encoder(batch).square().sum().backward()
    gradients = {key: item.grad for key, item in encoder.named_parameters() if item.requires_grad}
    idle = [key for key, gradient in gradients.items() if gradient is None]
    require(bool(gradients), f"{name} has no weights to train")
    require(not idle, f"{name} has weights that no gradient reaches: {', '.join(idle[:5])}")
    wild = [key for key, item in gradients.items() if item is not None and not item.isfinite().all()]
    require(not wild, f"{name} has gradients that are not finite: {', '.join(wild[:5])}")


def _check_rebuilding(name: str, encoder: nn.Module, other: nn.Module, batch: Tensor) -> None:
    """A model is stored as parameters and weights, so the same parameters must take the same weights."""
    with torch.no_grad(), reported(f"{name}: loading the weights of one into another"):
        other.load_state_dict(encoder.state_dict())
        found, again = encoder.eval()(batch), other.eval()(batch)
    require(same(found, again), f"{name}: another one with the same weights gives other vectors")
