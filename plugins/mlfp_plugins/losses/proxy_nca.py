"""ProxyNCA: one learned proxy a subject."""

from __future__ import annotations

from typing import Any

from pytorch_metric_learning import losses

from mlfp.libraries import pml


class ProxyNCALoss(pml.Distanced, losses.ProxyNCALoss):  # type: ignore[misc]
    """``-log(exp(-k d(a, p)^2) / sum over all proxies q of exp(-k d(a, q)^2))``, p the proxy of a's subject.

    Movshovitz-Attias et al. 2017, on the unit sphere. Their equation leaves p out of the sum; pytorch-metric-learning,
    which does the work, keeps it in, as ProxyNCA++ does (Teh, DeVries & Taylor 2020). Its weights grow with the number
    of training subjects: see ``train.loss_lr``. The library's parameters (``weight_regularizer``, ``reducer``, ...)
    are taken; a miner weighs rows by how often they are mined.

    :param num_classes: training subjects; the engine knows.
    :param embedding_size: D; the engine knows.
    :param softmax_scale: k, the inverse of a temperature; the paper has 1.
    :param distance: squared Euclidean on the unit sphere unless given; ``l2`` is neither squared nor normalised.
    """

    def __init__(self, *, num_classes: int, embedding_size: int, softmax_scale: float = 1.0, **parameters: Any) -> None:
        super().__init__(
            num_classes=num_classes, embedding_size=embedding_size, softmax_scale=softmax_scale, **parameters
        )
