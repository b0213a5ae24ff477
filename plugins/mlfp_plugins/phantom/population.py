"""Who is in the population: draws, ages and sites. Light: a data set's table needs no more."""

from __future__ import annotations

from mlfp.seeds import numpy_generator
from mlfp_plugins.phantom.draws import Draws
from mlfp_plugins.phantom.settings import Settings


def draws(settings: Settings, subject: int) -> Draws:
    """A subject's draws; twins inherit most of them from their pair."""
    own = (settings.seed, "phantom", "subject", subject)
    if settings.mode != "twin":
        return Draws(own)
    return Draws(own, (settings.seed, "phantom", "pair", subject // 2), settings.kinship)


def age_of(settings: Settings, subject: int) -> float:
    """Age in years at the first session."""
    return round(draws(settings, subject).uniform("age", 50.0, 80.0), 1)


def site_of(settings: Settings, subject: int, session: int) -> int:
    """Which scanner a session was made on, from 0."""
    if settings.mode != "site":
        return 0
    name = (subject,) if settings.site_by == "subject" else (subject, session)
    return int(numpy_generator(settings.seed, "phantom", "site of", *name).integers(settings.sites))
