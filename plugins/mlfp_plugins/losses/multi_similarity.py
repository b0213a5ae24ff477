"""Multi-similarity loss."""

from __future__ import annotations

from typing import Any

from pytorch_metric_learning import losses

from mlfp.libraries import pml


class MultiSimilarityLoss(pml.Distanced, losses.MultiSimilarityLoss):  # type: ignore[misc]
    """Positives below a similarity are pulled and negatives above it pushed, the worst of each most.

    Wang et al. 2019: ``1/alpha x log(1 + sum over p of exp(-alpha (s(a, p) - base))) + 1/beta x log(1 + sum over n of
    exp(beta (s(a, n) - base)))``, averaged over anchors. The paper pairs it with its own miner,
    ``pml:MultiSimilarityMiner``. By pytorch-metric-learning, whose parameters (``reducer``,
    ``embedding_regularizer``) it takes and whose defaults these are; as all its losses on pairs it gives 0 for a
    single mined pair.

    :param alpha: weight in the exponent of positives.
    :param beta: weight in the exponent of negatives.
    :param base: the similarity in question, lambda in the paper; in units of the distance where that is ``l2``.
    :param distance: ``cosine``, ``l2`` or ``inner``.
    """

    def __init__(self, *, alpha: float = 2.0, beta: float = 50.0, base: float = 0.5, **parameters: Any) -> None:
        super().__init__(alpha=alpha, beta=beta, base=base, **parameters)
