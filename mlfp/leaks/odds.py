"""The odds of pairs in the search at hand: the calibration, set right by what the search itself shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from mlfp.leaks import gains, mixture, prior
from mlfp.leaks.calibration import Calibration, Curve, curve_of, probability
from mlfp.leaks.candidates import Candidates
from mlfp.leaks.conflicts import TRUSTED
from mlfp.leaks.densities import Kernels
from mlfp.leaks.mixture import Seen
from mlfp.leaks.verify import Verified

#: Pairs that a search has to compare before it says more of its false pairs than the calibration does.
ENOUGH = 1000

Pair = tuple[int, int]


@dataclass(frozen=True)
class Odds:
    """What scores mean in one search.

    :param curve: evidence of a score, ``gains`` of what aligning shows.
    :param share: of all pairs that are of one person.
    """

    curve: Curve
    share: float
    gains: Curve | None

    def evidence(self, pairs: Candidates, verified: Mapping[Pair, Verified]) -> np.ndarray:
        """(P,) of the score, and of verification where there was one."""
        found = self.curve.evidence(pairs.score)
        if verified and self.gains is not None:
            places, seen = aligned(pairs, verified)
            found[places] += self.gains.evidence(seen)
        return found

    def p_same(self, pairs: Candidates, verified: Mapping[Pair, Verified]) -> np.ndarray:
        """(P,) probability of one person."""
        return probability(self.evidence(pairs, verified), self.share)


def among_siblings(chance: np.ndarray, evidence: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """(P,) probabilities of pairs, where other pairs of the same two subject ids say more.

    If the other scans of two ids are surely of one person, so is this pair, as far as ids are right; its own evidence
    is weighed against that. It is the mean of the others that speaks, not the surest: of 25 pairs of scans of two
    people who look alike, one is likely to look like one person's by chance. None becomes surer than the others: people
    who look alike do so in all their scans.

    :param chance: (P,) of each pair by itself.
    :param groups: (P,) numbers: pairs of the same two ids have the same.
    """
    group = np.unique(groups, return_inverse=True)[1]
    total, count = np.bincount(group, chance), np.bincount(group)
    other = TRUSTED * (total[group] - chance) / np.maximum(count[group] - 1, 1)
    there = np.clip(other, 1e-12, None)
    weighed = probability(evidence + np.log(there / (1 - there)), 0.5)
    found: np.ndarray = np.maximum(chance, np.minimum(weighed, other))
    return found


def aligned(pairs: Candidates, verified: Mapping[Pair, Verified]) -> tuple[np.ndarray, np.ndarray]:
    """Places of the pairs that were laid over each other, and their gains."""
    found = [
        (place, verified[pair].gain)
        for place, pair in enumerate(zip(pairs.one.tolist(), pairs.two.tolist(), strict=True))
        if pair in verified
    ]
    return np.array([place for place, _ in found], dtype=np.int64), np.array([gain for _, gain in found])


def learn(calibration: Calibration, seen: Seen, found: Candidates, pairs: int) -> Odds:
    """From fingerprints alone.

    :param pairs: that were compared.
    """
    if seen.total < ENOUGH:
        share = prior.estimate(calibration.curve.evidence(found.score), pairs)
        return Odds(calibration.curve, share, calibration.verified)
    mixed = mixture.separate(seen, Kernels.of(np.array(calibration.alike)))
    ends = [float(end) for part in (seen.bulk, found.score, mixed.alike.places) for end in (part.min(), part.max())]
    return Odds(curve_of(mixed.alike, mixed.null, (min(ends), max(ends))), mixed.share, calibration.verified)


def learn_more(
    odds: Odds, calibration: Calibration, found: Candidates, verified: Mapping[Pair, Verified], pairs: int
) -> Odds:
    """From pairs that were laid over each other too: what gains mean here, and from that how many pairs are true."""
    _, seen = aligned(found, verified)
    if odds.gains is None or not len(seen):
        return odds
    odds = replace(odds, gains=gains.curve(calibration, seen))
    return replace(odds, share=prior.estimate(odds.evidence(found, verified), pairs))
