"""ArcFace: subjects as directions, with a margin in the angle."""

from __future__ import annotations

from typing import Any

from pytorch_metric_learning import losses

from mlfp.libraries import pml


class ArcFaceLoss(pml.Distanced, losses.ArcFaceLoss):  # type: ignore[misc]
    """A softmax over subjects, each a learned direction, with ``scale x cos(angle + margin)`` for the true one.

    Deng et al. 2019, equation 3; beyond 180 degrees it goes on in a straight line, as in the authors' code. It only
    works with the cosine. Its weights grow with the number of training subjects: see ``train.loss_lr``. By
    pytorch-metric-learning, whose parameters (``weight_regularizer``, ``reducer``, ...) it takes; a miner weighs rows
    by how often they are mined.

    :param num_classes: training subjects; the engine knows.
    :param embedding_size: D; the engine knows.
    :param margin: in degrees; 28.6 is the paper's 0.5 rad.
    :param scale: length of the embeddings before the softmax, s in the paper, which has 64.
    :param distance: ``cosine``; another is answered with a warning.
    """

    def __init__(
        self, *, num_classes: int, embedding_size: int, margin: float = 28.6, scale: float = 64.0, **parameters: Any
    ) -> None:
        super().__init__(
            num_classes=num_classes, embedding_size=embedding_size, margin=margin, scale=scale, **parameters
        )
