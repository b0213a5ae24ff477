"""What gains mean in the search at hand: the calibration's pairs of two people, as wide as chance is here.

A gain (:class:`mlfp.leaks.verify.Verified`) says how much sharper a scan lies than its mirror image. Where it is
negative the mirror image does, which only chance brings about: no pair of one person that fits does so. So how far
gains lie below nothing shows how wide chance is in these scans, however many true pairs are among them; the same idea
as decoys in proteomics (Elias and Gygi 2007) and knockoffs (Barber and Candès 2015). How chance is spread upwards, in
such widths, is much the same from data set to data set, and taken from labelled pairs: learnt from the search itself,
true pairs would be taken for a heavy tail of false ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from mlfp.leaks.calibration import Calibration, Curve, fit_curve

#: For how many negative gains those of other data count beside the data set's own.
FEW = 10


def curve(calibration: Calibration, gains: np.ndarray) -> Curve:
    """The evidence of a gain.

    :param calibration: with verified pairs.
    :param gains: (P,) of the search's pairs, whosever they are.
    """
    unlike = np.array(calibration.verified_unlike) * width(gains, calibration.verified_width)
    return fit_curve(np.array(calibration.verified_alike), unlike, over=gains)


def width(gains: np.ndarray, usual: float) -> float:
    """How far below nothing chance brings gains: the median of the negative ones, near ``usual`` where they are few."""
    below = -gains[gains < 0]
    if not len(below):
        return usual
    own = math.log(max(float(np.median(below)), 1e-6) / usual)
    return usual * math.exp(own * len(below) / (len(below) + FEW))


def pooled(sets: Sequence[np.ndarray]) -> tuple[np.ndarray, float]:
    """Gains of pairs of two people of several data sets, each in its own widths; and the width of all together."""
    everything = np.concatenate(list(sets))
    usual = max(float(np.median(-everything[everything < 0])), 1e-6) if (everything < 0).any() else 1e-3
    return np.concatenate([part / width(part, usual) for part in sets]), usual
