"""Many items through one function, on this machine: results as they finish, failures beside them."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from mlfp.errors import MlfpError

Item = TypeVar("Item")
Result = TypeVar("Result")


class WorkerKilledError(MlfpError):
    """A worker process died over an item."""


class WorkersUnavailableError(MlfpError):
    """No worker process can be started."""


#: Items handed out ahead of each worker: enough to keep it busy, few enough to be tried again if a worker is killed.
AHEAD = 2
#: Seconds of work in this process that tell how long an item takes, and seconds left for which workers are started:
#: what they import first takes about 2.
_TRIAL, _WORTH_WORKERS = 1.0, 8.0


def cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run(
    function: Callable[[Item], Result], items: Sequence[Item], *, workers: int | None = None
) -> Iterator[tuple[int, Result | Exception]]:
    """Position and result of every item, in the order in which they finish; an exception in place of a result.

    What one item raises does not stop the others. When a worker is killed (out of memory, a crash in native code), the
    items it may have held are tried again one by one, each in a process of its own: the one that kills again gets an
    :class:`WorkerKilledError` as its result.

    :param function: unless ``workers`` is 1, it must be importable by name, or picklable, as its items and results.
    :param workers: processes. One works in this process. None begins in this process, and starts one a core when what
        is left would take long here, if any can be started.
    :raises WorkersUnavailableError: workers were asked for, and none can be started.
    """
    done = 0
    if workers is None:
        started = time.monotonic()
        for place, found in _here(function, items):
            yield place, found
            done, spent = place + 1, time.monotonic() - started
            if cores() > 1 and spent > _TRIAL and spent / done * (len(items) - done) > _WORTH_WORKERS:
                break
    left = items[done:]
    count = min(cores() if workers is None else workers, len(left))
    here = count <= 1
    for place, found in _here(function, left) if here else _elsewhere(function, left, count, workers is not None):
        yield done + place, found


def _here(function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[tuple[int, Result | Exception]]:
    for position, item in enumerate(items):
        try:
            result: Result | Exception = function(item)
        except Exception as error:  # reported in place of the result
            result = error
        yield position, result


def _elsewhere(
    function: Callable[[Item], Result], items: Sequence[Item], count: int, insist: bool
) -> Iterator[tuple[int, Result | Exception]]:
    left = deque(range(len(items)))
    while left:
        try:
            pool = _pool(count, function)
        except WorkersUnavailableError as error:
            if insist:
                raise
            warnings.warn(f"{error}\n  The work goes on in this process.", RuntimeWarning, stacklevel=2)
            places = list(left)
            yield from ((places[place], found) for place, found in _here(function, [items[place] for place in places]))
            return
        suspects: list[int] = []
        yield from _in_pool(pool, items, left, count, suspects)
        for position in suspects:
            yield position, _alone(function, items[position])


def _in_pool(
    pool: ProcessPoolExecutor, items: Sequence[Item], left: deque[int], count: int, suspects: list[int]
) -> Iterator[tuple[int, Any]]:
    """Work through ``left`` until it is empty or a worker dies; then ``suspects`` holds what was handed out."""
    try:
        running: dict[Future[Any], int] = {}
        while left or running:
            while left and len(running) < count * (1 + AHEAD):
                try:
                    running[pool.submit(_work, items[left[0]])] = left[0]
                except BrokenProcessPool:
                    suspects.extend(running.values())
                    return
                left.popleft()
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                error = future.exception()
                if isinstance(error, BrokenProcessPool):
                    suspects.extend(running.values())
                    return
                yield running.pop(future), error if isinstance(error, Exception) else future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _alone(function: Callable[[Item], Result], item: Item) -> Result | Exception:
    """The result of an item in a process of its own, which it may kill."""
    with _pool(1, function) as pool:
        try:
            result: Result = pool.submit(_work, item).result()
            return result
        except BrokenProcessPool:
            return WorkerKilledError(
                "the worker process was killed while it worked on this",
                hints=["Most often memory ran out: try fewer workers, or leave this one out."],
            )
        except Exception as error:  # reported in place of the result
            return error


def _pool(count: int, function: Callable[[Item], Result]) -> ProcessPoolExecutor:
    # Forking this process would copy torch's locks and threads in whatever state they are.
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    # Imported once, in the process that workers are forked from.
    context.set_forkserver_preload([getattr(function, "__module__", type(function).__module__)])
    pool = ProcessPoolExecutor(count, context, _start_worker, (pickle.dumps(function),))
    try:
        pool.submit(_ready).result()
    except BrokenProcessPool as error:
        pool.shutdown()
        raise WorkersUnavailableError(
            "worker processes cannot be started",
            hints=["A worker imports the script that started it: call mlfp below `if __name__ == '__main__':` there."],
        ) from error
    return pool


_packed = b""
_function: Any = None


def _start_worker(packed: bytes) -> None:
    """Keep the function, leave Ctrl-C to the parent, and the cores to the other workers."""
    global _packed
    _packed = packed
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for library in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")


def _ready() -> None:
    """In a worker: it has started."""


def _work(item: Any) -> Any:
    """In a worker. The function is unpacked with the first item, so that a failure to import it is that item's."""
    global _function
    if _function is None:
        _function = pickle.loads(_packed)
    return _function(item)
