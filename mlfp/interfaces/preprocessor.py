"""Preprocessor: a step of the cached chain."""

from __future__ import annotations

from typing import Protocol

from mlfp.types.volume import Volume


class Preprocessor(Protocol):
    """Takes a scan and gives a scan: resampled, cropped, normalised, sliced. The same scan gives the same result.

    What is drawn at random is seeded by the scan's id. Its registration's ``version`` is raised when its numbers
    change.
    """

    def __call__(self, volume: Volume) -> Volume:
        """Process one scan.

        :raises ScanError: this scan cannot be processed; it becomes a row in the report of failures.
        """
        ...
