"""The same subject hiding in two data sets, or in train and test. ``mlfp.leaks(...)`` is :func:`mlfp.api.leaks`."""

import sys

from mlfp.doors import Door

sys.modules[__name__].__class__ = Door
