"""SoftTriple: a few centres a subject."""

from __future__ import annotations

from typing import Any

from pytorch_metric_learning import losses

from mlfp.libraries import pml


class SoftTripleLoss(pml.Distanced, losses.SoftTripleLoss):  # type: ignore[misc]
    """A softmax over subjects, each of which has several learned centres; no pairs are formed.

    Qian et al. 2019. A subject's similarity is the mean of its centres', weighted by their own softmax; that of the
    true subject is lowered by a margin. By pytorch-metric-learning, whose parameters (``weight_regularizer``,
    ``reducer``, ...) it takes; the paper's regulariser that merges centres is ``weight_regularizer``, none by default.
    Its weights grow with the number of training subjects: see ``train.loss_lr``. A miner weighs rows by how often they
    are mined. The defaults are those of the authors' code and of the library.

    :param num_classes: training subjects; the engine knows.
    :param embedding_size: D; the engine knows.
    :param centers_per_class: centres of each subject.
    :param la: factor of the softmax over subjects, the inverse of its temperature; lambda in the paper.
    :param gamma: temperature of the softmax over a subject's centres.
    :param margin: by how much the true subject's similarity is lowered; delta in the paper.
    :param distance: a similarity, ``cosine`` or ``inner``.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        embedding_size: int,
        centers_per_class: int = 10,
        la: float = 20.0,
        gamma: float = 0.1,
        margin: float = 0.01,
        **parameters: Any,
    ) -> None:
        super().__init__(
            num_classes=num_classes,
            embedding_size=embedding_size,
            centers_per_class=centers_per_class,
            la=la,
            gamma=gamma,
            margin=margin,
            **parameters,
        )
