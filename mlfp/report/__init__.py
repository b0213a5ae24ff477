"""Results for people: a table on the terminal, and one in Markdown. ``mlfp.report(...)`` is :func:`mlfp.api.report`."""

import sys

from mlfp.doors import Door

sys.modules[__name__].__class__ = Door
