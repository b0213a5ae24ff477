"""Work on the images of a batch, each by itself."""

from __future__ import annotations

import concurrent.futures
import functools
from collections.abc import Callable

import torch


def each_row(work: Callable[[int], None], rows: int) -> None:
    """Do independent work that holds no lock (a compiled kernel) for every row, on as many threads as torch has.

    :param work: given a row's number; writes that row's part of a result.
    """
    threads = min(torch.get_num_threads(), rows)
    if threads <= 1:
        for row in range(rows):
            work(row)
    else:
        list(_pool(threads).map(work, range(rows)))


@functools.cache
def _pool(threads: int) -> concurrent.futures.ThreadPoolExecutor:
    return concurrent.futures.ThreadPoolExecutor(threads, thread_name_prefix="mlfp-rows")
