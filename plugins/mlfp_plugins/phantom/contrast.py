"""What a pulse sequence makes of the tissues."""

from __future__ import annotations

import numpy as np

from mlfp_plugins.phantom.anatomy import TISSUES, Anatomy
from mlfp_plugins.phantom.grid import Grid

#: Brightness of each tissue, in the order of ``TISSUES``, and of a lesion; relative to full scale.
BRIGHTNESS: dict[str, tuple[tuple[float, ...], float]] = {
    #        csf   grey  white deep  ventricle  lesion
    "T1": ((0.14, 0.50, 0.84, 0.64, 0.10), 0.45),
    "T2": ((0.95, 0.62, 0.40, 0.48, 1.00), 0.95),
    "FLAIR": ((0.12, 0.74, 0.52, 0.66, 0.06), 1.00),
    "PD": ((0.80, 0.80, 0.62, 0.72, 0.84), 0.95),
}
#: Half the range in which a tissue's brightness differs from scan to scan.
JITTER = 0.04
#: How uneven tissue is, relative to its brightness.
TEXTURE = 0.03


def image(
    maps: np.ndarray, body: Anatomy, modality: str, ageing: float, generator: np.random.Generator, grid: Grid
) -> np.ndarray:
    """The brain as this sequence shows it, before the scanner adds its own.

    :param maps: (5, I, J, K) tissue maps.
    :param ageing: years since the first session times the subject's rate: lesions grow by 8 % each.
    :param generator: of the scan.
    :return: (I, J, K) float32 of about 0 to 1.
    """
    levels, lesion = BRIGHTNESS[modality]
    jitter = generator.uniform(-JITTER, JITTER, len(TISSUES))
    shown = np.tensordot(np.asarray(levels + jitter, dtype=np.float32), maps, axes=1)
    shown = shown * (1 + np.float32(TEXTURE) * body.texture)
    x, y, z = grid.axes()
    for place_x, place_y, place_z, radius in body.lesions:
        squared = (x - place_x) ** 2 + (y - place_y) ** 2 + (z - place_z) ** 2
        weight = np.exp(-squared / (2 * (radius / 2 * (1 + 0.08 * ageing)) ** 2)) * (maps[2] > 0.3)
        shown = shown * (1 - weight) + lesion * weight
    return np.asarray(shown, dtype=np.float32)
