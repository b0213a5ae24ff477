"""Which voxels a fingerprint looks at. ``mlfp.explain(...)`` is :func:`mlfp.api.explain`."""

import sys

from mlfp.doors import Door

sys.modules[__name__].__class__ = Door
