"""VICReg: variance, invariance, covariance."""

from __future__ import annotations

from mlfp.libraries import pml


class VICRegLoss(pml.TwoViewVICReg):
    """Views agree, every component varies over the batch, and components do not repeat each other.

    Bardes, Ponce & LeCun 2022, by pytorch-metric-learning. Where equation 6 adds the variance terms of both views, the
    authors' code and this take their mean: ``variance_mu: 50`` is the equation as printed with its 25. The distance of
    the comparison plays no part: views agree in squared differences of embeddings that are not normalised.
    """
