"""Nothing but the outline of head or body."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlfp.data.masks import foreground
from mlfp.types.volume import Volume


@dataclass(frozen=True)
class OutlineOnly:
    """Replace a scan by its mask: the mean of its tissue inside, air as it was outside, in each channel.

    What a method still tells from it, it tells from the outline (see :func:`mlfp.data.masks.foreground`).
    """

    def __call__(self, volume: Volume) -> Volume:
        """Flatten one scan."""
        inside = foreground(volume.data)
        flat = [
            np.where(inside, channel[inside].mean() if inside.any() else 0.0, np.median(channel[~inside]))
            if not inside.all()
            else channel
            for channel in volume.data.astype(np.float32)
        ]
        return volume.with_data(np.stack(flat).astype(np.float32))
