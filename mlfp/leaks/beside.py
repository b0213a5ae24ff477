"""One scan beside those that a search found: the odds that they show one person, and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mlfp.errors import MlfpError
from mlfp.fingerprints import locate, store
from mlfp.fingerprints.model import FingerprintModel
from mlfp.leaks import pictures, prior, scores
from mlfp.leaks.calibration import Calibration, probability
from mlfp.leaks.material import centred, common
from mlfp.leaks.scores import Scale
from mlfp.search.find import Asked, Hit
from mlfp.types.volume import Volume

#: Scans below which a store says too little of what people at large have in common.
FEWEST = 20


def with_odds(folder: Path, asked: Asked, hits: Sequence[Hit]) -> tuple[list[Hit], str]:
    """The hits with probabilities; or as they were, and why there are none.

    How likely any scan of the store is of the same person, before it is seen, is estimated from the hits themselves.
    """
    there = store.read(folder)
    if not (folder / locate.FILE).is_file():
        return list(hits), "the store keeps no model, so there are no odds"
    told = FingerprintModel.load(folder / locate.FILE).card.calibration
    if told is None:
        return list(hits), "the model is not calibrated, so there are no odds: mlfp calibrate STORE"
    if len(there.table) < FEWEST:
        return list(hits), f"with fewer than {FEWEST} scans in the store there are no odds"
    if not hits:
        return [], ""
    calibration = Calibration.from_json(told)
    people = np.unique(there.table.subjects.astype(str), return_inverse=True)[1]
    places = np.array([int(np.flatnonzero(there.table.scans == hit.scan)[0]) for hit in hits])
    mean = common(there.vectors, people, there.distance)
    vectors = scores.prepared(centred(there.vectors, mean, there.distance), there.distance)
    query = scores.prepared(centred(asked.vector[None], mean, there.distance), there.distance)
    both = np.concatenate([query, vectors[places]])
    whose = np.concatenate([[-1 if asked.place is None else people[asked.place]], people[places]])
    scale: Scale = scores.scale_of(both, whose, vectors, people, there.distance)
    alike = scores.similarity(np.repeat(query, len(hits), axis=0), vectors[places], there.distance)
    evidence = calibration.curve.evidence(
        scale.score(np.zeros(len(hits), dtype=int), np.arange(1, len(hits) + 1), alike)
    )
    chances = probability(evidence, prior.estimate(evidence, len(there.table)))
    return [replace(hit, p_same=float(chance)) for hit, chance in zip(hits, chances, strict=True)], ""


def drawn(asked: Asked, hits: Sequence[Hit]) -> list[str | None]:
    """A PNG as a data URI of the scan that was asked for, and of each hit; None where one cannot be read (again)."""
    from mlfp.data import readers
    from mlfp.data.small import reduced
    from mlfp.leaks.verify import loaded

    def picture(row: dict[str, object] | None) -> str | None:
        try:
            volume: Volume = reduced(readers.read(Path(asked.name))) if row is None else loaded(row)
        except (MlfpError, OSError):
            return None
        return pictures.single(volume)

    return [picture(asked.row or None), *(picture(hit.row) for hit in hits)]
