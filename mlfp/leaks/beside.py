"""One scan beside those that a search found: laid over each other, the odds that they show one person, and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from mlfp.data import readers
from mlfp.data.small import reduced
from mlfp.errors import MlfpError
from mlfp.execution.progress import Progress, silent
from mlfp.fingerprints import locate, store
from mlfp.fingerprints.model import FingerprintModel
from mlfp.leaks import pictures, prior, scores
from mlfp.leaks.calibration import Calibration, probability
from mlfp.leaks.material import centred, common, gather
from mlfp.leaks.scores import Scale
from mlfp.leaks.verify import Verified, compare, loaded, verify
from mlfp.search.find import Asked, Hit
from mlfp.types.fingerprints import Fingerprints
from mlfp.types.volume import Volume

#: Scans below which a store says too little of what people at large have in common.
FEWEST = 20


@dataclass(frozen=True)
class Beside:
    """What is known of the scans that were found.

    :param hits: with probabilities, if there are any.
    :param reason: why there are none.
    :param seen: by a hit's scan id, how it lies over the scan that was asked for; only those that were verified.
    """

    hits: list[Hit]
    reason: str = ""
    seen: dict[str, Verified] = field(default_factory=dict)


def with_odds(
    folder: Path, asked: Asked, hits: Sequence[Hit], *, verified: bool = True, progress: Progress = silent
) -> Beside:
    """The hits with probabilities; or as they were, and why there are none.

    How likely any scan of the store is of the same person, before it is seen, is estimated from the hits themselves.

    :param verified: lay each hit over the scan that was asked for, if the model is calibrated for it: seconds each.
    """
    there = store.read(folder)
    if not (folder / locate.FILE).is_file():
        return Beside(list(hits), "the store keeps no model, so there are no odds")
    told = FingerprintModel.load(folder / locate.FILE).card.calibration
    if told is None:
        return Beside(list(hits), "the model is not calibrated, so there are no odds: mlfp calibrate STORE")
    if len(there.table) < FEWEST:
        return Beside(list(hits), f"with fewer than {FEWEST} scans in the store there are no odds")
    if not hits:
        return Beside([])
    calibration = Calibration.from_json(told)
    evidence = calibration.curve.evidence(_scores(there, asked, hits))
    seen: dict[str, Verified] = {}
    if verified and calibration.verified is not None:
        seen = _laid_over(there, asked, hits, progress)
        for place, hit in enumerate(hits):
            if hit.scan in seen:
                evidence[place] += calibration.verified.evidence(np.array([seen[hit.scan].gain]))[0]
    chances = probability(evidence, prior.estimate(evidence, len(there.table)))
    return Beside(
        [replace(hit, p_same=float(chance)) for hit, chance in zip(hits, chances, strict=True)], seen=seen
    )  # fmt: skip


def _scores(there: Fingerprints, asked: Asked, hits: Sequence[Hit]) -> np.ndarray:
    """(H,) how far each hit's similarity lies out, in standard deviations."""
    people = np.unique(there.table.subjects.astype(str), return_inverse=True)[1]
    places = _places(there, hits)
    mean = common(there.vectors, people, there.distance)
    vectors = scores.prepared(centred(there.vectors, mean, there.distance), there.distance)
    query = scores.prepared(centred(asked.vector[None], mean, there.distance), there.distance)
    both = np.concatenate([query, vectors[places]])
    whose = np.concatenate([[-1 if asked.place is None else people[asked.place]], people[places]])
    scale: Scale = scores.scale_of(both, whose, vectors, people, there.distance)
    alike = scores.similarity(np.repeat(query, len(hits), axis=0), vectors[places], there.distance)
    return scale.score(np.zeros(len(hits), dtype=int), np.arange(1, len(hits) + 1), alike)


def _places(there: Fingerprints, hits: Sequence[Hit]) -> np.ndarray:
    return np.array([int(np.flatnonzero(there.table.scans == hit.scan)[0]) for hit in hits])


def _laid_over(there: Fingerprints, asked: Asked, hits: Sequence[Hit], progress: Progress) -> dict[str, Verified]:
    """By scan id, how a hit lies over the scan that was asked for, if both can be read; kept in the cache."""
    if asked.place is not None:
        pairs = [(asked.place, int(place)) for place in _places(there, hits)]
        found, _ = verify(gather([("", there)]), pairs, progress=progress)
        return {hit.scan: found[pair] for hit, pair in zip(hits, pairs, strict=True) if pair in found}
    one, seen = small_of(asked), {}
    for done, hit in enumerate(hits, start=1):
        two = small_of(hit)
        if one is not None and two is not None:
            seen[hit.scan] = compare(one, two)
        progress("verifying", done, len(hits))
    return seen


def small_of(scan: Asked | Hit) -> Volume | None:
    """A scan as it is laid over others; None where it cannot be read (again)."""
    try:
        if isinstance(scan, Asked) and not scan.row:
            return reduced(readers.read(Path(scan.name)))
        return loaded(scan.row)
    except (MlfpError, OSError):
        return None


def drawn(asked: Asked, found: Beside) -> list[str | None]:
    """PNGs as data URIs: of the scan that was asked for, and of each hit; None where one cannot be read (again).

    Of a hit that was laid over it: both, the difference, and a checkerboard.
    """
    first = small_of(asked)
    images = [None if first is None else pictures.single(first)]
    for hit in found.hits:
        volume = small_of(hit)
        if volume is None:
            images.append(None)
        elif first is not None and hit.scan in found.seen:
            images.append(pictures.together(first, volume, found.seen[hit.scan]))
        else:
            images.append(pictures.single(volume))
    return images
