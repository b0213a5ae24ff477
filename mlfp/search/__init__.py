"""Nearest neighbours among fingerprints. ``mlfp.search(...)`` is :func:`mlfp.api.search`."""

import sys

from mlfp.doors import Door

sys.modules[__name__].__class__ = Door
