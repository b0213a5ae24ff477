"""From a configuration to runs to results, resuming what was begun. ``mlfp.bench(...)`` is :func:`mlfp.api.bench`."""

import sys

from mlfp.doors import Door

sys.modules[__name__].__class__ = Door
