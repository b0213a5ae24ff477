"""What decides the voxels of a phantom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

LevelName = Literal["easy", "medium", "hard"]
Mode = Literal["plain", "twin", "site"]
SiteBy = Literal["subject", "session"]
Modality = Literal["T1", "T2", "FLAIR", "PD"]

#: Raised whenever the voxels change for the same settings.
VERSION = 1


@dataclass(frozen=True)
class Level:
    """How much of a subject can be told, and from what.

    :param surface: share of the subject's warp that reaches the brain's outer surface.
    :param size: standard deviation of the brain's scale along each axis.
    :param edge: standard deviation in mm by which a scan's skull strip misses the true edge.
    :param own: angle in degrees between the subject's cortical fields and those that all share; 90 shares nothing.
    :param motion: how differently the head lies from scan to scan; 1 is up to 3 degrees and 2.5 mm.
    """

    surface: float
    size: float
    edge: float
    own: float
    motion: float


#: Chosen by benchmarks/phantom_difficulty.py: on easy the outline of the mask tells the subject, on hard it does not.
LEVELS: dict[str, Level] = {
    "easy": Level(surface=1.0, size=0.035, edge=0.0, own=60.0, motion=1.0),
    "medium": Level(surface=0.4, size=0.016, edge=1.0, own=60.0, motion=1.15),
    "hard": Level(surface=0.1, size=0.006, edge=2.2, own=60.0, motion=1.3),
}


@dataclass(frozen=True)
class Settings:
    """Everything that the voxels of a scan depend on, apart from which scan it is.

    :param seed: of the whole population.
    :param level: see :data:`LEVELS`.
    :param mode: ``plain``; ``twin``: subjects 2n and 2n + 1 share :attr:`kinship` of their fields; ``site``: several
        scanners, each with its own bias field, blur and noise.
    :param years: between sessions.
    :param sites: number of scanners in site mode.
    :param site_by: in site mode, whether the scanner follows the subject (a confound) or differs by session.
    :param spacing: voxel size in mm.
    """

    seed: int = 0
    level: LevelName = "medium"
    mode: Mode = "plain"
    years: float = 1.0
    sites: int = 3
    site_by: SiteBy = "subject"
    spacing: float = 2.5

    #: Share of the variance of all anatomical draws that twins have in common.
    kinship = 0.8

    def text(self) -> str:
        """All of it in one line, for cache keys."""
        sites = f"{self.sites},{self.site_by}" if self.mode == "site" else ""
        parts = (VERSION, self.seed, LEVELS[self.level], self.mode, sites, self.years, self.spacing)
        return "phantom:" + ";".join(map(str, parts))
