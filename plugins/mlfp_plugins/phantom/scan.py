"""One scan, from its settings and its place in the population."""

from __future__ import annotations

import numpy as np

from mlfp.seeds import numpy_generator
from mlfp_plugins.phantom import acquisition, anatomy, contrast, population
from mlfp_plugins.phantom.grid import Grid
from mlfp_plugins.phantom.settings import Settings


def scan(settings: Settings, subject: int, session: int, modality: str) -> np.ndarray:
    """The voxels of one scan: the same for the same arguments, in any process and any order.

    :param subject: from 0.
    :param session: from 0; it was made ``session * settings.years`` years after the first.
    :param modality: T1, T2, FLAIR or PD.
    :return: (I, J, K) float32 of about 0 to 1, in RAS order; 0 outside the brain.
    """
    grid, body = Grid(settings.spacing), anatomy.anatomy(settings, subject)
    years = session * settings.years
    maps = anatomy.tissue_maps(settings, subject, years)
    generator = numpy_generator(settings.seed, "phantom", "scan", subject, session, modality)
    shown = contrast.image(maps, body, modality, years * body.rate, generator, grid)
    machine = acquisition.scanner(settings, population.site_of(settings, subject, session))
    return acquisition.acquire(shown, maps.sum(axis=0), settings, machine, generator)
