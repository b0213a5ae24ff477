"""How alike scans are, block by block: from vectors, or by a scorer that needs none."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from mlfp.errors import MlfpError, ParameterError, nearest
from mlfp.interfaces.scorer import Scorer

#: How vectors can be compared.
DISTANCES = ("cosine", "l2", "inner")
#: Bytes of scores that a scorer's similarity remembers at most.
REMEMBERED = 1 << 28
#: Scans of each side that a scorer is given at a time, at most.
TILE = 64
#: The same where single pairs are missing.
SMALL = 8


class VectorSimilarity:
    """Similarity of vectors: one matrix product a block.

    ``cosine`` and ``inner`` are computed in float32. ``l2`` gives the negative distance and is computed in float64: in
    float32 the product form loses the distance of near duplicates altogether (0.04 instead of 0 at a norm of 56).

    :param queries: (Q, D) float32.
    :param gallery: (G, D) float32; the same array as the queries is not copied twice.
    :param distance: ``cosine``, ``l2`` or ``inner``.
    :raises ParameterError: no such distance, or the sides differ in D.
    :raises MlfpError: a vector is not finite.
    """

    def __init__(self, queries: np.ndarray, gallery: np.ndarray, distance: str = "cosine") -> None:
        if distance not in DISTANCES:
            raise ParameterError(
                f"unknown distance {distance!r}",
                key=("distance",),
                hints=[*nearest(distance, DISTANCES), f"Distances: {', '.join(DISTANCES)}"],
            )
        if queries.ndim != 2 or gallery.ndim != 2 or queries.shape[1] != gallery.shape[1]:
            raise ParameterError(
                f"vectors to compare should be (Q, D) and (G, D), got {queries.shape} and {gallery.shape}",
                hints=["Fingerprints of different models cannot be compared."],
            )
        self.distance = distance
        self._queries = _prepared(queries, distance)
        self._gallery = self._queries if gallery is queries else _prepared(gallery, distance)
        self._taken: tuple[np.ndarray, Tensor] | None = None
        if distance == "l2":
            self._query_squares = self._queries.square().sum(1)
            self._gallery_squares = self._gallery.square().sum(1)

    def block(self, queries: np.ndarray, gallery: np.ndarray) -> np.ndarray:
        """(Q, G) float32 similarity of the scans at these positions; higher is more alike."""
        rows = _index(queries)
        product = self._queries[rows] @ self._columns(gallery).T
        if self.distance == "l2":
            squares = self._query_squares[rows][:, None] + self._gallery_squares[_index(gallery)]
            product = squares.sub_(product, alpha=2).clamp_(min=0).sqrt_().neg_().float()
        scores: np.ndarray = product.numpy()
        return scores

    def _columns(self, gallery: np.ndarray) -> Tensor:
        """(G, D) the vectors at these positions, kept: a ranking asks for the same ones block after block.

        To copy them together in an order that is not theirs takes longer than to compare a block of queries with them.
        """
        columns = _index(gallery)
        if isinstance(columns, slice):
            return self._gallery[columns]
        if self._taken is None or not np.array_equal(self._taken[0], gallery):
            self._taken = None  # not two of them at a time
            self._taken = np.array(gallery, copy=True), self._gallery[columns]
        return self._taken[1]


class ScorerSimilarity:
    """Similarity by a scorer. As a scorer may be slow, no pair of scans is scored twice while the scores fit.

    A scorer with an attribute ``symmetric`` that is true, asked of one set of scans on both sides, scores each pair
    one way round only. One with a true ``relative`` is given the whole gallery that is asked about, and what it says is
    remembered for that gallery alone.

    :param scorer: see :mod:`mlfp.interfaces.scorer`.
    :param query_features: (Q, ...) what the scorer describes of the queries.
    :param gallery_features: (G, ...) of the gallery; the same tensor where the two are one.
    :param remember: bytes of scores to keep at most; where all would not fit, none are kept.
    """

    def __init__(
        self, scorer: Scorer, query_features: Tensor, gallery_features: Tensor, *, remember: int = REMEMBERED
    ) -> None:
        self.scorer = scorer
        self._queries = query_features
        self._gallery = gallery_features
        self._mirrored = query_features is gallery_features and bool(getattr(scorer, "symmetric", False))
        shape = (len(query_features), len(gallery_features))
        self._fits = 4 * shape[0] * shape[1] <= remember
        self._relative = bool(getattr(scorer, "relative", False))
        self._known = np.full(shape, np.nan, dtype=np.float32) if self._fits and not self._relative else None
        self._of: dict[bytes, np.ndarray] = {}

    def block(self, queries: np.ndarray, gallery: np.ndarray) -> np.ndarray:
        """(Q, G) float32 similarity of the scans at these positions; higher is more alike.

        :raises MlfpError: the scorer gives scores of another shape, or that are not finite.
        """
        queries, gallery = np.asarray(queries), np.asarray(gallery)
        if self._relative:
            return self._among(queries, gallery)
        if self._known is None:
            return self._scores(queries, gallery)
        for start in range(0, len(queries), TILE):
            self._learn(queries[start : start + TILE], gallery)
        known: np.ndarray = self._known[np.ix_(queries, gallery)]
        return known

    def _among(self, queries: np.ndarray, gallery: np.ndarray) -> np.ndarray:
        """(Q, G) of a scorer that goes by the whole gallery, which is the same in any order."""
        everyone, columns = np.unique(gallery, return_inverse=True)
        if not self._fits:
            alone: np.ndarray = self._scores(queries, everyone)[:, columns]
            return alone
        unknown = np.full((len(self._queries), len(everyone)), np.nan, dtype=np.float32)
        known = self._of.setdefault(everyone.tobytes(), unknown)
        new = np.unique(queries[np.isnan(known[queries]).any(axis=1)])
        if len(new):
            known[new] = self._scores(new, everyone)
        found: np.ndarray = known[np.ix_(queries, columns)]
        return found

    def _learn(self, queries: np.ndarray, gallery: np.ndarray) -> None:
        """Score what is not known of these pairs.

        While that is most of them, all of them at once. Later the whole matrix is wanted, bit by bit: then the small
        tiles that they lie in, whose features need no copying together.
        """
        assert self._known is not None, "nothing is learnt that is not remembered"
        missing = np.isnan(self._known[np.ix_(queries, gallery)])
        rows, columns = np.flatnonzero(missing.any(axis=1)), np.flatnonzero(missing.any(axis=0))
        if 2 * np.count_nonzero(missing) >= len(rows) * len(columns):
            self._remember(queries[rows], gallery[columns])
            return
        pairs = np.stack([queries[np.nonzero(missing)[0]], gallery[np.nonzero(missing)[1]]])
        for top, left in np.unique(pairs // SMALL, axis=1).T * SMALL:
            bounds = self._known.shape
            self._remember(np.arange(top, min(top + SMALL, bounds[0])), np.arange(left, min(left + SMALL, bounds[1])))

    def _remember(self, queries: np.ndarray, gallery: np.ndarray) -> None:
        assert self._known is not None, "nothing is learnt that is not remembered"
        if len(queries) and len(gallery):
            scores = self._scores(queries, gallery)
            self._known[np.ix_(queries, gallery)] = scores
            if self._mirrored:
                self._known[np.ix_(gallery, queries)] = scores.T

    def _scores(self, queries: np.ndarray, gallery: np.ndarray) -> np.ndarray:
        scores = np.empty((len(queries), len(gallery)), dtype=np.float32)
        width = max(1, len(gallery)) if self._relative else TILE
        for top in range(0, len(queries), TILE):
            rows = self._queries[_index(queries[top : top + TILE])]
            for left in range(0, len(gallery), width):
                columns = self._gallery[_index(gallery[left : left + width])]
                tile = self.scorer.score(rows, columns)
                if tile.shape != (len(rows), len(columns)):
                    raise MlfpError(
                        f"a scorer should give ({len(rows)}, {len(columns)}) scores, got {tuple(tile.shape)}",
                        where=f"{type(self.scorer).__module__}.{type(self.scorer).__qualname__}.score",
                    )
                scores[top : top + TILE, left : left + width] = tile.numpy()
        if not np.isfinite(scores).all():
            raise MlfpError(
                f"{np.count_nonzero(~np.isfinite(scores))} of {scores.size} scores are not finite",
                where=f"{type(self.scorer).__module__}.{type(self.scorer).__qualname__}.score",
                hints=["A scan without contrast? A scorer must give every pair a number."],
            )
        return scores


def _prepared(vectors: np.ndarray, distance: str) -> Tensor:
    if not np.isfinite(vectors).all():
        bad = int((~np.isfinite(vectors).all(axis=1)).sum())
        raise MlfpError(
            f"{bad} of {len(vectors)} fingerprints are not finite",
            hints=["The training diverged, or a scan holds no finite pixels: lower the learning rate, or inspect."],
        )
    tensor = torch.from_numpy(np.ascontiguousarray(vectors, dtype=np.float64 if distance == "l2" else np.float32))
    return torch.nn.functional.normalize(tensor) if distance == "cosine" else tensor


def _index(positions: np.ndarray) -> slice | Tensor:
    """A slice where the positions are a run, so that nothing is copied."""
    positions = np.asarray(positions, dtype=np.int64)
    if len(positions) and positions[-1] - positions[0] == len(positions) - 1 and (np.diff(positions) == 1).all():
        return slice(int(positions[0]), int(positions[-1]) + 1)
    return torch.from_numpy(positions)
