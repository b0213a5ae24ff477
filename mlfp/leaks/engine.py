"""The search for leaks: candidates, odds, verification, kinds, clusters."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from mlfp.errors import UsageError
from mlfp.execution.progress import Progress, silent
from mlfp.leaks import candidates, conflicts, odds, repair, scores, seen, tabulate
from mlfp.leaks.calibration import Calibration
from mlfp.leaks.candidates import Candidates
from mlfp.leaks.clusters import cluster
from mlfp.leaks.material import Material
from mlfp.leaks.odds import Odds
from mlfp.leaks.result import FOUND, Leaks, Settings
from mlfp.leaks.verify import Verified, verify

#: Below this probability a candidate is not laid over the other on its own account.
UNLIKELY = 0.0005
#: Pairs under one id that are laid over each other, as they look least alike.
SUSPECTS = 200
#: From this probability on a pair speaks for the other scans of its two ids, of which so many each are looked at.
LIKELY, FEW = 0.5, 8

Pair = tuple[int, int]


class Hunt:
    """One search under way.

    :param calibration: of the model that made the fingerprints.
    :param workers: processes that verify; None chooses.
    :raises UsageError: a rate is asked for that the calibration does not support, or verification without one.
    """

    def __init__(
        self,
        material: Material,
        calibration: Calibration,
        settings: Settings,
        *,
        workers: int | None = None,
        progress: Progress = silent,
    ) -> None:
        if settings.verify == "always" and calibration.verified is None:
            raise UsageError(
                "the model is not calibrated for verified pairs",
                hints=["Calibrate it: mlfp calibrate STORE", "Or do without: --verify never"],
            )
        self.material, self.calibration, self.settings = material, calibration, settings
        self.workers, self.progress = workers, progress
        self.lowest = None if settings.fmr is None else calibration.threshold_at(settings.fmr)
        self.odds = Odds(calibration.curve, 0.0, calibration.verified)
        self.verified: dict[Pair, Verified] = {}
        self.unverifiable: dict[Pair, str] = {}

    def run(self) -> Leaks:
        """Look, and gather what was found."""
        started = time.monotonic()
        scale = scores.scale(self.material)
        found, search = candidates.find(
            self.material, scale, k=self.settings.k, index=self.settings.index, progress=self.progress
        )
        copies = candidates.copies(self.material)
        found = self._with(found, scale, copies)
        own = candidates.measured(self.material, scale, *candidates.own(self.material))
        found = self._learn(found, scale, search, own, copies)
        evidence, alone = self.odds.evidence(found, self.verified), self.odds.p_same(found, self.verified)
        ids = self.material.people[np.stack([found.one, found.two])].astype(np.int64)
        groups = ids.min(axis=0) * (int(self.material.people.max()) + 1) + ids.max(axis=0)
        p_same = odds.among_siblings(alone, evidence, groups)
        conflict = conflicts.find(
            self._pairs(own), conflicts.Pairs(found.one, found.two, evidence, p_same).without(copies),
            self.material.people, threshold=max(self.settings.p_same, 0.5),
        )  # fmt: skip
        table = tabulate.Table(self.material, self.settings, self.calibration, self.verified, self.odds)
        pairs, places = table.pairs(found, p_same, copies, own, conflict, lowest=self.lowest)
        edges = np.isin(pairs["kind"], FOUND)
        joined = cluster(
            self.material.people, places[edges], pairs["p_same"].to_numpy()[edges], most=self.settings.most_people
        )  # fmt: skip
        pairs = tabulate.with_clusters(pairs, places, edges, joined)
        repaired = repair.repair(
            self.material.column("split"), joined.of, priority=self.settings.priority, policy=self.settings.policy
        )  # fmt: skip
        leaks = Leaks(
            self.material, self.settings, self.calibration, search, pairs, places, joined, conflict, repaired,
            (found.score, p_same), self.verified,
        )  # fmt: skip
        seconds = time.monotonic() - started
        return replace(
            leaks,
            summary=tabulate.summary(leaks, self.odds.share, self.lowest, len(self.unverifiable), seconds, len(found)),
        )

    def _pairs(self, found: Candidates) -> conflicts.Pairs:
        """With what is known of each."""
        return conflicts.Pairs(
            found.one, found.two, self.odds.evidence(found, self.verified), self.odds.p_same(found, self.verified)
        )

    def _with(self, found: Candidates, scale: scores.Scale, copies: dict[Pair, str]) -> Candidates:
        """The candidates, and copies that are not among them, those under one id left out."""
        people = self.material.people
        return self._and(found, [pair for pair in copies if people[pair[0]] != people[pair[1]]], scale)

    def _and(self, found: Candidates, pairs: Iterable[Pair], scale: scores.Scale) -> Candidates:
        """The candidates, and of these pairs those that are not among them."""
        there = set(zip(found.one.tolist(), found.two.tolist(), strict=True))
        more = [pair for pair in pairs if pair not in there]
        if not more:
            return found
        added = candidates.measured(self.material, scale, *np.array(more, dtype=np.int64).T)
        both = (np.concatenate(sides) for sides in (
            (found.one, added.one), (found.two, added.two), (found.similarity, added.similarity),
            (found.score, added.score), (found.ranks, added.ranks),
        ))  # fmt: skip
        return Candidates(*both)

    def _learn(
        self,
        found: Candidates,
        scale: scores.Scale,
        search: candidates.Search,
        own: Candidates,
        copies: dict[Pair, str],
    ) -> Candidates:
        """The odds, from scores and then from verified pairs; gives the candidates, more of them after verification."""
        pairs = self.material.open_pairs
        seen_pairs = seen.look(self.material, scale, found, search, copies)
        self.odds = odds.learn(self.calibration, seen_pairs, found, pairs)
        if self.settings.verify == "never" or self.calibration.verified is None:
            return found
        self._verify([*self._likely(found), *self._suspects(own)], copies)
        self.odds = odds.learn_more(self.odds, self.calibration, found, self.verified, pairs)
        siblings = self._siblings(found)
        found = self._and(found, siblings, scale)
        self._verify(siblings, copies)
        self.odds = odds.learn_more(self.odds, self.calibration, found, self.verified, pairs)
        return found

    def _likely(self, found: Candidates) -> list[Pair]:
        """The candidates that are worth laying over each other, the likeliest first."""
        p_same = self.odds.p_same(found, {})
        order = np.argsort(-p_same, kind="stable")
        if self.settings.verify == "auto":
            likely = int((p_same >= UNLIKELY).sum())
            order = order[: min(likely, self.settings.most_verified)]
        return [(int(found.one[place]), int(found.two[place])) for place in order]

    def _suspects(self, own: Candidates) -> list[Pair]:
        """Pairs under one id that look least alike."""
        evidence = self.odds.evidence(own, {})
        places = [place for place in np.argsort(evidence, kind="stable") if evidence[place] < 0][:SUSPECTS]
        return [(int(own.one[place]), int(own.two[place])) for place in places]

    def _siblings(self, found: Candidates) -> list[Pair]:
        """All pairs of scans of two ids of which one pair is likely: another contrast may be too unlike to be found."""
        people = self.material.people
        sure = self.odds.p_same(found, self.verified) >= LIKELY
        members = scans_of(people, np.unique(np.stack([found.one[sure], found.two[sure]])))
        both = {tuple(sorted(ids)) for ids in zip(people[found.one[sure]], people[found.two[sure]], strict=True)}
        pairs = [
            (min(one, two), max(one, two))
            for ids in sorted(both)
            for one, two in itertools.product(*(members[whose][:FEW] for whose in ids))
        ]
        return [pair for pair in pairs if pair not in self.verified]

    def _verify(self, pairs: Sequence[Pair], copies: dict[Pair, str]) -> None:
        wanted = [pair for pair in pairs if pair not in copies]
        done, failed = verify(self.material, wanted, workers=self.workers, progress=self.progress)
        self.verified |= done
        self.unverifiable |= failed


def scans_of(people: np.ndarray, places: np.ndarray) -> dict[int, list[int]]:
    """The scans of everyone who has one at these places."""
    wanted = np.unique(people[places])
    found: dict[int, list[int]] = {int(whose): [] for whose in wanted}
    for place in np.flatnonzero(np.isin(people, wanted)):
        found[int(people[place])].append(int(place))
    return found


def shown_as(leaks: Leaks, material: Material) -> Leaks:
    """The same, with the scans called as in another material of the same scans."""
    pairs = leaks.pairs.copy()
    for name in tabulate.SIDES:
        values = material.column(name)
        pairs[f"{name}_a"], pairs[f"{name}_b"] = values[leaks.places[:, 0]], values[leaks.places[:, 1]]
    return replace(leaks, material=material, pairs=pairs)


def hunt(
    material: Material,
    calibration: Calibration,
    settings: Settings | None = None,
    *,
    workers: int | None = None,
    progress: Progress = silent,
) -> Leaks:
    """Look for scans of one subject under different ids, and for one id on different people."""
    return Hunt(material, calibration, settings or Settings(), workers=workers, progress=progress).run()
