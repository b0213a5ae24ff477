"""Preprocessing as a declared chain: named, hashed without being built, built where it is used."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from mlfp.data import readers
from mlfp.errors import ParameterError, ScanError
from mlfp.interfaces.preprocessor import Preprocessor
from mlfp.plugins import registry
from mlfp.types.spec import Spec
from mlfp.types.volume import Volume


class Chain:
    """Preprocessors applied one after the other.

    :param specs: their names and parameters, in order; none gives the scan as it was read.
    """

    def __init__(self, specs: Sequence[Spec]) -> None:
        self.specs = tuple(specs)

    @cached_property
    def key(self) -> str:
        """A hash of all that decides what comes out: ids, versions and parameters, and the readers' version.

        :raises ParameterError: a preprocessor is unknown.
        """
        steps = []
        for place, spec in enumerate(self.specs):
            try:
                component = registry().find("preprocessor", spec.use)
            except ParameterError as error:
                raise error.under(place) from error
            version = component.distribution_version if ":" in spec.use else component.version
            steps.append([component.id, version, _canonical(spec.parameters)])
        text = json.dumps([readers.VERSION, steps], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def steps(self) -> tuple[Preprocessor, ...]:
        """The preprocessors, built.

        :raises ParameterError: one is unknown, or takes no such parameters.
        """
        built = []
        for place, spec in enumerate(self.specs):
            try:
                built.append(registry().build("preprocessor", spec))
            except ParameterError as error:
                raise error.under(place) from error
        return tuple(built)

    def check(self) -> None:
        """Build the steps, to see that they can be.

        :raises ParameterError: one is unknown, or takes no such parameters.
        """
        _ = self.steps

    def __call__(self, volume: Volume) -> Volume:
        """Process one scan.

        :raises ScanError: a step cannot process it, or nothing usable comes out.
        :raises ParameterError: a step's parameters do not fit scans of this kind.
        """
        for place, (spec, step) in enumerate(zip(self.specs, self.steps, strict=True)):
            try:
                volume = step(volume)
            except ScanError as error:
                raise error.at(f"{volume.scan}, in {spec.use}") from error
            except ParameterError as error:
                raise error.under(place) from error
        return _usable(volume)

    def prepended(self, spec: Spec) -> Chain:
        """Another step, and then those of this chain."""
        return Chain((spec, *self.specs))

    def appended(self, specs: Sequence[Spec]) -> Chain:
        """The steps of this chain, and then others."""
        return Chain((*self.specs, *specs))

    def to_config(self) -> list[dict[str, Any]]:
        """As a configuration writes it."""
        return [spec.to_config() for spec in self.specs]

    def __getstate__(self) -> dict[str, Any]:
        """For worker processes, which build their own steps."""
        return {"specs": self.specs}

    def __repr__(self) -> str:
        return f"Chain({self.to_config()!r})"


def _canonical(value: Any) -> Any:
    """As JSON that is the same for 3 and 3.0, and for a tuple and a list."""
    if isinstance(value, Mapping):
        return {str(key): _canonical(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    return float(value) if isinstance(value, int | float) else str(value)


def _usable(volume: Volume) -> Volume:
    data = volume.data
    if data.size == 0 or volume.affine.shape != (volume.spatial_dims + 1,) * 2:
        raise ScanError(
            f"preprocessing gives the shape {tuple(data.shape)} and an affine of shape {volume.affine.shape}",
            where=volume.scan,
        )
    low, high = float(data.min()), float(data.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ScanError("preprocessing gives values that are not finite", where=volume.scan)
    if low == high:
        raise ScanError(f"every voxel has the same value, {low:g}", where=volume.scan, hints=["Is the scan empty?"])
    return volume
