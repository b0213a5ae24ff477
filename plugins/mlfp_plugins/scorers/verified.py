"""A model's fingerprints, and candidates laid over each other: the two stages of a search."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from mlfp.data.small import reduced
from mlfp.errors import MlfpError, ParameterError
from mlfp.leaks import scores
from mlfp.leaks.calibration import Calibration, Curve, probability
from mlfp.leaks.material import centred, common
from mlfp.leaks.verify import compare
from mlfp.types.volume import Volume
from mlfp_plugins.scorers.model import Model

#: From this probability on, one of the gallery being the query's, a scan is a candidate: as in ``mlfp leaks``.
UNLIKELY = 0.0005
#: Of a score in standard deviations: the evidence is level where the calibration saw nobody, and ranks are not.
LEVEL = 1e-3


class Verified(Model):
    """What fingerprints find, verified: of each query's nearest, what aligning shows counts too.

    The score of a pair is its evidence, as ``mlfp search`` has it: the logarithm of how many times likelier the pair is
    for one person than for two. That of the fingerprints is the model's calibration's, of how far their similarity lies
    out of what either scan has with the gallery. A query's candidates are its ``nearest``, as far as they are not
    unlikely. Where there are two or more, so that none stands out, they are laid over the query, a second or so each,
    and the evidence of what that shows, by the same calibration, is added. No weight and no threshold is to be chosen.

    :param model: as of ``model``; it has to be calibrated for verified pairs (``mlfp calibrate``; brain-v1 is).
    :param nearest: candidates of each query, at most.
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
        evidence = calibration.curve.evidence(outlying)
        pairs = candidates(evidence, self.nearest)
        evidence += LEVEL * outlying
        asked, there = (
            {place: self._reduced(side[place, size:]) for place in {pair[at] for pair in pairs}}
            for at, side in enumerate((queries, gallery))
        )
        for row, column in pairs:
            one, two = asked[row], there[column]
            if one is not None and two is not None:
                evidence[row, column] += gains.evidence(np.array([compare(one, two).gain]))[0]
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


def candidates(evidence: np.ndarray, nearest: int) -> list[tuple[int, int]]:
    """Pairs of a query and a scan of the gallery that are worth laying over each other.

    Who of a query's nearest is likely at all, if there are two such or more: the order of one cannot change.

    :param evidence: (Q, G).
    """
    chance = probability(evidence, 1 / (evidence.shape[1] + 1))
    order = np.argsort(-chance, axis=1, kind="stable")[:, :nearest]
    likely = np.take_along_axis(chance, order, axis=1) >= UNLIKELY
    likely &= likely.sum(axis=1, keepdims=True) > 1
    return [(int(row), int(order[row, place])) for row, place in zip(*np.nonzero(likely), strict=True)]
