"""The embedded data set: synthetic brains that need no download, with the truth known."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import pandas as pd

from mlfp.errors import ParameterError, ScanError
from mlfp.types.scan_table import ScanTable
from mlfp.types.volume import Volume
from mlfp_plugins.phantom.settings import LevelName, Modality, Mode, Settings, SiteBy

_SCAN = re.compile(r"P(\d{4,})_S(\d+)_([A-Z0-9]+)")


@dataclass(frozen=True)
class Phantom:
    """Subjects with their own brain shape and folds, scanned again over the years, in several contrasts.

    Made from the MNI152 maps that nilearn ships. The recipe follows label-map generators such as SynthSeg (Billot
    2023, Medical Image Analysis 86), to which subjects and sessions are added. A scan depends on its own id and the
    parameters below ``sessions``: adding subjects, sessions or modalities leaves the others as they are.

    :param subjects: number of people.
    :param sessions: scans of each person in each modality.
    :param modalities: any of T1, T2, FLAIR, PD.
    :param level: ``easy``: the outline of the brain alone tells the subject; ``hard``: it tells nothing; ``medium``
        lies between.
    :param mode: ``plain``; ``twin``: pairs of subjects (column ``group``) share 80 % of their anatomy; ``site``:
        several scanners, each with its own bias field, blur and noise (column ``site``).
    :param years: between the sessions of a subject.
    :param sites: number of scanners in site mode.
    :param site_by: in site mode, ``subject``: all scans of a subject come from one scanner, so that the scanner helps
        to tell subjects apart; ``session``: the scanner is drawn for each session.
    :param spacing: voxel size in mm; 2.5 gives 64 x 76 x 64 voxels.
    :param seed: of the whole population.
    """

    subjects: int = 120
    sessions: int = 3
    modalities: Sequence[Modality] = ("T1",)
    level: LevelName = "medium"
    mode: Mode = "plain"
    years: float = 1.0
    sites: int = 3
    site_by: SiteBy = "subject"
    spacing: float = 2.5
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("subjects", "sessions", "sites"):
            if getattr(self, name) < 1:
                raise ParameterError(f"phantom: {name} should be at least 1, got {getattr(self, name)}", key=(name,))
        known = get_args(Modality)
        if not self.modalities or not set(self.modalities) <= set(known):
            raise ParameterError(
                f"phantom: modalities should be a list of {', '.join(known)}, got {list(self.modalities)}",
                key=("modalities",),
            )
        if not 1.0 <= self.spacing <= 5.0:
            raise ParameterError(f"phantom: spacing should be 1 to 5 mm, got {self.spacing}", key=("spacing",))
        if self.years < 0:
            raise ParameterError(f"phantom: years should not be negative, got {self.years}", key=("years",))

    def settings(self) -> Settings:
        """What the voxels depend on."""
        return Settings(
            seed=self.seed,
            level=self.level,
            mode=self.mode,
            years=self.years,
            sites=self.sites,
            site_by=self.site_by,
            spacing=self.spacing,
        )

    def table(self) -> ScanTable:
        """A row a scan; in twin mode with the pair in ``group``."""
        from mlfp_plugins.phantom.population import age_of, site_of

        settings, rows = self.settings(), []
        for subject in range(self.subjects):
            age = age_of(settings, subject)
            for session in range(self.sessions):
                common = {
                    "subject": f"P{subject:04d}",
                    "session": str(session),
                    "site": f"site{site_of(settings, subject, session)}",
                    "dataset": "phantom",
                    "age_years": round(age + session * self.years, 1),
                    **({"group": f"twins{subject // 2:04d}"} if self.mode == "twin" else {}),
                }
                for modality in self.modalities:
                    scan = f"P{subject:04d}_S{session}_{modality}"
                    rows.append({"scan": scan, "modality": modality, **common})
        return ScanTable(pd.DataFrame(rows), source="phantom")

    def read(self, row: Mapping[str, Any]) -> Volume:
        """Make the voxels of one scan: (1, I, J, K) float32 in RAS order, MNI152 coordinates.

        :raises ScanError: its id is none of this data set's.
        """
        from mlfp_plugins.phantom.grid import Grid
        from mlfp_plugins.phantom.scan import scan

        name = str(row["scan"])
        subject, session, modality = self._parse(name)
        data = scan(self.settings(), subject, session, modality)
        return Volume(data[None], Grid(self.spacing).affine, scan=name)

    def key(self, row: Mapping[str, Any]) -> str:
        """The scan's id with all that its voxels depend on."""
        from mlfp_plugins.phantom.atlas import digest

        return f"{self.settings().text()};{digest()};{row['scan']}"

    def _parse(self, scan: str) -> tuple[int, int, str]:
        found = _SCAN.fullmatch(scan)
        if found is None or found[3] not in get_args(Modality):
            raise ScanError(
                f"the phantom has no scan {scan!r}",
                hints=["Its scans are called like P0007_S1_T2."],
            )
        return int(found[1]), int(found[2]), found[3]
