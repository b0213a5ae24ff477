"""Which metrics are better when they are lower. All others are better when they are higher."""

from __future__ import annotations

import re

#: Names, or beginnings of names, without the evaluation: rates of error, distances within, costs, gaps, alarms.
LOWER = (
    "eer",
    "fmr",
    "fnmr",
    "fpir",
    "miasd",
    "ms_per_query",
    "bytes_per_scan",
    "alarms",
    "lone_queries",
    "left_out_subjects",
)
_PATTERN = re.compile(rf"(?:{'|'.join(LOWER)})(?:$|_|\[)|\w+_gap(?:$|_)")


def lower_is_better(metric: str) -> bool:
    """Of a metric, with its evaluation (``verification.eer``) or without."""
    return _PATTERN.match(metric.rpartition(".")[2] if "[" not in metric else metric.partition(".")[2]) is not None


def merit(metric: str, value: float) -> float:
    """The value, turned so that more is better."""
    return -value if lower_is_better(metric) else value
