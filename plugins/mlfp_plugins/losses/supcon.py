"""Supervised contrastive loss."""

from __future__ import annotations

from typing import Any

from pytorch_metric_learning import losses

from mlfp.libraries import pml
from mlfp_plugins.losses.temperature import checked_temperature


class SupConLoss(pml.Distanced, losses.SupConLoss):  # type: ignore[misc]
    """Each anchor against all other rows by softmax, averaged over its positives outside the logarithm.

    Khosla et al. 2020, "L_out": ``-1/|P| x sum over p of log(exp(s(a, p) / T) / sum over all other rows k of
    exp(s(a, k) / T))``, averaged over anchors with a positive. The paper's rows are two views of every image: write
    ``views: both``. By pytorch-metric-learning, whose parameters (``reducer``, ``embedding_regularizer``) it takes;
    as all its losses on pairs it gives 0 for a single mined pair.

    :param temperature: T; 0.1 is the paper's and the library's.
    :param distance: ``cosine``, ``l2`` or ``inner``; for ``l2``, s is the negated distance.
    """

    def __init__(self, *, temperature: float = 0.1, **parameters: Any) -> None:
        super().__init__(temperature=checked_temperature(temperature), **parameters)
