"""Calibration from labelled stores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mlfp.errors import UsageError
from mlfp.execution.progress import Progress, silent
from mlfp.leaks import calibration, candidates, gains, scores
from mlfp.leaks.calibration import Calibration
from mlfp.leaks.material import Material, gather
from mlfp.leaks.verify import verify
from mlfp.types.fingerprints import Fingerprints

#: Pairs of two people that are scored at most, of each store.
PAIRS = 1_000_000
#: Neighbours of each scan among other people that stand for what verification has to refuse.
HARD = 3


def calibrate(
    named: Sequence[tuple[str, Fingerprints]],
    *,
    verified: int = 200,
    seed: int = 0,
    workers: int | None = None,
    progress: Progress = silent,
) -> Calibration:
    """Learn from stores whose subject ids are right.

    :param named: names of data sets, and their fingerprints, all of one model.
    :param verified: pairs of each kind that are laid over each other for the second stage; 0 leaves it out.
    :raises UsageError: there are too few pairs, or scores do not tell people apart.
    """
    gather(named)  # complains of different models
    same: list[np.ndarray] = []
    different: list[np.ndarray] = []
    count = subjects = 0
    parts: list[tuple[Material, np.ndarray, np.ndarray]] = []
    for name, item in named:
        material = gather([(name, item)])
        scale = scores.scale(material)
        one, two = candidates.own(material)
        same.append(candidates.measured(material, scale, one, two).score)
        others, total = _different(material, seed)
        different.append(candidates.measured(material, scale, others[:, 0], others[:, 1]).score)
        count, subjects = count + total, subjects + len(np.unique(material.people))
        if verified and len(one):
            hard = candidates.find(material, scale, k=HARD, index="auto", progress=progress)[0]
            parts.append((material, np.stack([one, two], axis=1), np.stack([hard.one, hard.two], axis=1)))
    made = calibration.fit(
        np.concatenate(same), np.concatenate(different), subjects=subjects, of=count,
        made_on=tuple(name for name, _ in named),
    )  # fmt: skip
    return _second_stage(made, parts, verified, seed, workers, progress) if verified else made


def _different(material: Material, seed: int) -> tuple[np.ndarray, int]:
    """(P, 2) pairs of two people, all or a sample, and how many there are."""
    size = len(material)
    if size * (size - 1) // 2 <= PAIRS:
        pairs = np.stack(np.triu_indices(size, 1), axis=1)
    else:
        pairs = np.random.default_rng(seed).integers(0, size, size=(PAIRS, 2))
    pairs = pairs[material.people[pairs[:, 0]] != material.people[pairs[:, 1]]]
    # What is promised rests on the pairs that were looked at.
    return pairs, len(pairs)


def _second_stage(
    made: Calibration,
    parts: Sequence[tuple[Material, np.ndarray, np.ndarray]],
    verified: int,
    seed: int,
    workers: int | None,
    progress: Progress,
) -> Calibration:
    """The same with a curve for what laying pairs over each other shows."""
    alike: list[float] = []
    unlike: list[np.ndarray] = []
    generator = np.random.default_rng(seed)
    share = max(1, verified // len(parts))
    for material, same, hard in parts:
        chosen = [pairs[np.sort(generator.permutation(len(pairs))[:share])] for pairs in (same, hard)]
        both = [
            verify(material, [(int(one), int(two)) for one, two in pairs], workers=workers, progress=progress)[0]
            for pairs in chosen
        ]
        alike += [item.gain for item in both[0].values()]
        unlike.append(np.array([item.gain for item in both[1].values()]))
    count = sum(len(part) for part in unlike)
    if min(len(alike), count) < calibration.FEWEST:
        raise UsageError(
            f"too few pairs could be laid over each other: {len(alike)} of one person, {count} of two",
            hints=["Calibrate the fingerprints alone: --verified 0", "Are the scans where the store says they are?"],
        )
    same_person, (other, width) = np.array(alike), gains.pooled(unlike)
    return replace(
        made, verified=calibration.fit_curve(same_person, other * width), verified_same=len(alike),
        verified_different=count, verified_alike=calibration.kept(same_person), verified_unlike=calibration.kept(other),
        verified_width=round(width, 6),
    )  # fmt: skip
