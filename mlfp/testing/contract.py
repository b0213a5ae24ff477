"""What the checks of all extension points share: how they fail, and the made-up subjects they try components on."""

from __future__ import annotations

import contextlib
import functools
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from mlfp.seeds import numpy_generator, torch_generator

if TYPE_CHECKING:
    from mlfp.types.scan_table import ScanTable


class ContractError(AssertionError):
    """A component does not do what its extension point promises; the message says what was expected and what came."""


def require(holds: bool, message: str) -> None:
    """Fail unless it holds.

    :raises ContractError: with this message.
    """
    if not holds:
        raise ContractError(message)


def name_of(component: object) -> str:
    """For a message: the class of an object, or the name of a function."""
    named = component if hasattr(component, "__name__") else type(component)
    return str(getattr(named, "__name__", named))


@contextlib.contextmanager
def reported(what: str) -> Iterator[None]:
    """Whatever the component raises becomes a broken contract, with what was asked of it.

    :raises ContractError: the component raised something.
    """
    try:
        yield
    except ContractError:
        raise
    except Exception as error:  # others' code may raise anything
        raise ContractError(f"{what} raised {type(error).__name__}: {error}") from error


@contextlib.contextmanager
def global_randomness_untouched(what: str) -> Iterator[None]:
    """Check that the global generators of python, numpy and torch are where they were.

    What a library draws while it is imported for the first time does not count: it is no draw of the component, and
    whether it falls into the check depends on what was imported before.

    :raises ContractError: one has moved.
    """
    before = _states()
    with _imports_put_back():
        yield
    for name, state in _states().items():
        require(state == before[name], f"{what} drew from {name}'s global generator; draw from the one it is given")


def _states() -> dict[str, object]:
    mersenne = np.random.get_state(legacy=False)["state"]
    return {
        "random": random.getstate(),
        "numpy": (mersenne["key"].tobytes(), mersenne["pos"]),
        "torch": torch.get_rng_state().tolist(),
    }


@contextlib.contextmanager
def _imports_put_back() -> Iterator[None]:
    """While a module's code runs for the first time, the global generators are set aside, and put back after it."""
    finder = _PuttingBack()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class _PuttingBack(MetaPathFinder):
    """Finds what the other finders find, and wraps the running of its code."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        others = (finder for finder in sys.meta_path if finder is not self)
        found = (finder.find_spec(name, path, target) for finder in others)
        spec = next((spec for spec in found if spec is not None), None)
        # Loaders that are classes (of built-in and frozen modules) serve all modules, and what they load draws nothing.
        if spec is not None and spec.loader is not None and not isinstance(spec.loader, type):
            run = spec.loader.exec_module
            spec.loader.exec_module = functools.partial(_with_generators_set_aside, run)  # type: ignore[method-assign]
        return spec


def _with_generators_set_aside(run: Callable[[ModuleType], None], module: ModuleType) -> None:
    python, numpy, mersenne = random.getstate(), np.random.get_state(), torch.get_rng_state()
    try:
        run(module)
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
        torch.set_rng_state(mersenne)


def embeddings(subjects: int = 6, scans: int = 4, dims: int = 8) -> tuple[Tensor, Tensor]:
    """(B, D) float32 in loose clusters and (B,) int64 labels, scan-major as the engine's batches are."""
    generator = torch_generator("mlfp.testing", "embeddings")
    labels = torch.arange(subjects).repeat(scans)
    centres = torch.randn(subjects, dims, generator=generator)
    return centres[labels] + 0.7 * torch.randn(len(labels), dims, generator=generator), labels


def images(count: int, channels: int, shape: tuple[int, ...], name: str = "images") -> Tensor:
    """``(count, channels, *shape)`` float32 in [0, 1]: a bright blob on black, with folds of its own in each image."""
    generator = torch_generator("mlfp.testing", name)
    axes = torch.meshgrid(*(torch.linspace(-1, 1, size) for size in shape), indexing="ij")
    radius = torch.stack(axes).square().sum(0).sqrt()
    waves = torch.randn(count, channels, 6, 1 + len(shape), generator=generator) * 6
    phases = waves[..., :1] + torch.einsum("bcwn,np->bcwp", waves[..., 1:], torch.stack(axes).flatten(1))
    folds = phases.sin().mean(2).reshape(count, channels, *shape)
    return torch.where(radius < 0.8, 0.5 + 0.4 * folds, 0.0)


def table(subjects: int = 5, scans: int = 3) -> ScanTable:
    """A scan table with sessions and two modalities."""
    import pandas as pd

    from mlfp.types.scan_table import ScanTable

    rows = [
        {
            "scan": f"s{subject}-{scan}",
            "subject": f"s{subject}",
            "session": str(scan),
            "modality": ("T1", "T2")[scan % 2],
            "site": ("a", "b")[subject % 2],
        }
        for subject in range(subjects)
        for scan in range(scans)
    ]
    return ScanTable(pd.DataFrame(rows), source="mlfp.testing")


def vectors(count: int, dims: int = 6) -> np.ndarray:
    """(count, dims) float32."""
    return numpy_generator("mlfp.testing", "vectors").normal(size=(count, dims)).astype(np.float32)


def same(one: Tensor, other: Tensor, tolerance: float = 1e-4) -> bool:
    """Whether two tensors agree up to rounding."""
    return one.shape == other.shape and bool(torch.allclose(one, other, rtol=tolerance, atol=tolerance))
