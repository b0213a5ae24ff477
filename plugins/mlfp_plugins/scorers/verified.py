"""A model's fingerprints, and candidates laid over each other: the two stages of a search."""

from __future__ import annotations

import hashlib
from dataclasses import asdict

import numpy as np
import torch
from torch import Tensor

from mlfp.data import pairs_memo
from mlfp.data.pairs_memo import PairsMemo
from mlfp.data.small import reduced
from mlfp.errors import MlfpError, ParameterError
from mlfp.leaks import scores
from mlfp.leaks.calibration import Calibration, Curve
from mlfp.leaks.material import centred, common
from mlfp.leaks.verify import VERSION, compare
from mlfp.leaks.verify import Verified as Found
from mlfp.types.volume import Volume
from mlfp_plugins.scorers.model import Model

#: From this probability on, one of the gallery or nobody being the query's person, a scan stands out.
SURE = 0.95
#: Of a score in standard deviations: the evidence is level where the calibration saw nobody, and ranks are not.
LEVEL = 1e-3


class Verified(Model):
    """What fingerprints find, verified: of each query's nearest, what aligning shows counts too.

    The score of a pair is its evidence, as ``mlfp search`` has it: the logarithm of how many times likelier the pair is
    for one person than for two. That of the fingerprints is the model's calibration's, of how far their similarity lies
    out of what either scan has with the gallery. As long as no scan stands out for a query, the likeliest of its
    ``nearest`` that was not yet is laid over it (seconds; kept in the cache), and the evidence of what that shows is
    added, by the same calibration. No weight and no threshold is to be chosen.

    Where the query itself is in the gallery it stands out, and nothing is verified: ask ``across`` a column.

    :param model: as of ``model``; it has to be calibrated for verified pairs (``mlfp calibrate``; brain-v1 is).
    :param nearest: of each query, by fingerprints, that may be laid over it.
    :param spacing: mm along each axis; that of the comparison.
    """

    symmetric = False
    relative = True

    def __init__(self, model: str, nearest: int = 5, *, spacing: tuple[float, ...] | None = None) -> None:
        super().__init__(model)
        self.nearest = nearest
        self.spacing = spacing
        self._shape: tuple[int, ...] = ()

    def describe(self, images: Tensor) -> Tensor:
        """``(B, C, *spatial)`` to (B, D + P): fingerprints, and the pixels of the first channel."""
        self._shape = tuple(images.shape[2:])
        return torch.cat([super().describe(images), images[:, 0].flatten(1)], dim=1)

    def score(self, queries: Tensor, gallery: Tensor) -> Tensor:
        """(Q, D + P) and (G, D + P) to (Q, G).

        :raises ParameterError: the model is not calibrated.
        """
        calibration, gains = self._calibration()
        size = queries.shape[1] - int(np.prod(self._shape))
        outlying = self._outlying(queries[:, :size].numpy(), gallery[:, :size].numpy())
        evidence = calibration.curve.evidence(outlying) + LEVEL * outlying
        there: dict[int, Volume | None] = {}
        for row, line in enumerate(evidence):
            left = nearest(line, self.nearest)
            one = self._reduced(queries[row, size:]) if left and not stands_out(line) else None
            while left and one is not None and not stands_out(line):
                column = left.pop(int(np.argmax(line[left])))
                if column not in there:
                    there[column] = self._reduced(gallery[column, size:])
                two = there[column]
                if two is not None:
                    line[column] += gains.evidence(np.array([gain(one, two)]))[0]
        return torch.from_numpy(evidence.astype(np.float32))

    def _calibration(self) -> tuple[Calibration, Curve]:
        """That of the model, and its curve for what aligning shows."""
        assert self._loaded is not None, "what is scored was described"
        told = self._loaded.card.calibration
        found = None if told is None else Calibration.from_json(told)
        if found is None or found.verified is None:
            raise ParameterError(
                f"the model {str(self.model)!r} is not calibrated for verified pairs",
                key=("model",),
                hints=["Calibrate it on labelled scans: mlfp calibrate STORE --model MODEL"],
            )
        return found, found.verified

    def _outlying(self, queries: np.ndarray, gallery: np.ndarray) -> np.ndarray:
        """(Q, G) how far similarities lie out, in standard deviations: see :mod:`mlfp.leaks.scores`."""
        assert self._loaded is not None, "what is scored was described"
        distance, count = self._loaded.card.distance, len(gallery)
        mean = common(gallery, np.arange(count), distance)
        asked, there = (scores.prepared(centred(side, mean, distance), distance) for side in (queries, gallery))
        both, whose = np.concatenate([asked, there]), np.concatenate([np.full(len(asked), -1), np.arange(count)])
        scale = scores.scale_of(both, whose, there, np.arange(count), distance)
        rows, columns = np.repeat(np.arange(len(asked)), count), np.tile(np.arange(count), len(asked))
        similarity = scores.similarity(asked[rows], there[columns], distance)
        return scale.score(rows, len(asked) + columns, similarity).reshape(len(asked), count)

    def _reduced(self, pixels: Tensor) -> Volume | None:
        """A scan as it is laid over others; None of one with nothing in it."""
        steps = [float(step) for step in self.spacing or (1.0,) * len(self._shape)]
        volume = Volume(pixels.reshape(1, *self._shape).numpy(), np.diag([*steps, 1.0]))
        try:
            return reduced(volume)
        except MlfpError:
            return None


def nearest(evidence: np.ndarray, count: int) -> list[int]:
    """Places of the highest of (G,)."""
    return [int(place) for place in np.argsort(-evidence, kind="stable")[:count]]


def stands_out(evidence: np.ndarray) -> bool:
    """Whether one of the gallery is surely the query's, as far as at most one is.

    :param evidence: (G,) for each scan; for nobody it is 0, and beforehand all are as likely.
    """
    weights = np.exp(np.append(evidence, 0.0) - max(float(evidence.max()), 0.0))
    return bool(weights[:-1].max() >= SURE * weights.sum())


def gain(one: Volume, two: Volume) -> float:
    """What laying one scan over the other gains; kept in the cache, by their pixels."""
    memo = PairsMemo()
    contents = [hashlib.sha256(item.data.tobytes() + item.affine.tobytes()).hexdigest() for item in (one, two)]
    keys = {(0, 1): pairs_memo.key(VERSION, *contents)}
    known = memo.known(keys)
    if known:
        return float(Found(**{**known[0, 1], "parameters": ()}).gain)
    found = compare(one, two)
    memo.keep(keys[0, 1], asdict(found))
    return found.gain
