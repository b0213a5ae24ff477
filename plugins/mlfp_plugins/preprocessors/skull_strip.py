"""The brain without its skull, by a program that the user has installed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from mlfp.preparing.stripping import command_of, mask_by_command
from mlfp.types.volume import Volume


@dataclass(frozen=True)
class SkullStrip:
    """Set to 0 what a program does not find to be brain.

    Only programs that are known by name are called: a configuration, or the card of a model, may come from anybody,
    and must not run commands of its own. ``mlfp prepare --strip`` takes any command.

    :param tool: ``hd-bet``, ``synthstrip`` (FreeSurfer's mri_synthstrip) or ``bet`` (FSL's).
    """

    tool: Literal["hd-bet", "synthstrip", "bet"]

    def __call__(self, volume: Volume) -> Volume:
        """Strip one scan by its first channel."""
        inside = mask_by_command(volume, command_of(self.tool))
        return volume.with_data(np.where(inside, volume.data, np.float32(0)))
