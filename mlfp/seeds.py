"""Randomness as data: every draw comes from a generator named by what it is for, never from a global state.

A name is a sequence of numbers and words, such as ``(seed, "augment", epoch, step, scan, view, place)``. The same
name gives the same stream on every machine, whatever the number of workers or the order of work.
"""

from __future__ import annotations

import contextlib
import hashlib
import random
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

Name = int | str


def derive(*name: Name) -> int:
    """A 63-bit seed for the stream of this name."""
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in name)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def numpy_generator(*name: Name) -> np.random.Generator:
    """The numpy generator of this name."""
    return np.random.default_rng(derive(*name))


def torch_generator(*name: Name) -> torch.Generator:
    """The torch generator of this name, on the CPU, so that a draw does not depend on the device."""
    import torch

    return torch.Generator().manual_seed(derive(*name))


@contextlib.contextmanager
def seeded_globals(*name: Name, device: torch.device | None = None) -> Iterator[None]:
    """Lend other libraries' code, which draws from global state, the stream of this name; then put back what was.

    Covers python, numpy and torch, on the CPU and on the ``device`` that the code works on.
    """
    import torch

    seed = derive(*name)
    python, legacy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[device] if device is not None and device.type == "cuda" else []):
        random.seed(seed)
        np.random.seed(seed % 2**32)
        torch.default_generator.manual_seed(seed)
        if device is not None and device.type == "cuda":
            torch.cuda.manual_seed(seed)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(legacy)
