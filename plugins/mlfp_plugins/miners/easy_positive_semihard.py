"""Easy positives, semi-hard negatives."""

from __future__ import annotations

from pytorch_metric_learning.miners import BatchEasyHardMiner

from mlfp.libraries import pml
from mlfp_plugins.miners.separation import Distance


class EasyPositiveSemihardMiner(BatchEasyHardMiner):  # type: ignore[misc]
    """For each anchor its nearest positive, and the nearest negative that is strictly farther than that positive.

    Xuan et al. 2020, the miner of DeepBrainPrint (section 2.4). "Semi-hard" has no upper margin here, unlike in
    FaceNet. Every row is an anchor; one without a positive, or without such a negative, is dropped. The work is done by
    pytorch-metric-learning's BatchEasyHardMiner; this names its strategies and takes the comparison's distance.

    :param distance: ``cosine``, ``l2`` or ``inner``.
    """

    def __init__(self, *, distance: Distance = "cosine") -> None:
        super().__init__(
            pos_strategy=BatchEasyHardMiner.EASY,
            neg_strategy=BatchEasyHardMiner.SEMIHARD,
            distance=pml.distance(distance),
        )
