"""Many items through one function, on this machine: results as they finish, failures beside them."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

from mlfp.errors import MlfpError

Item = TypeVar("Item")
Result = TypeVar("Result")


class WorkerKilledError(MlfpError):
    """A worker process died over an item."""


class WorkersUnavailableError(MlfpError):
    """No worker process can be started."""


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
    item it held is tried again at the end, alone: if that kills again, its result is a :class:`WorkerKilledError`.

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
    try:
        workers = _start(count, function)
    except WorkersUnavailableError as error:
        if insist:
            raise
        warnings.warn(f"{error}\n  The work goes on in this process.", RuntimeWarning, stacklevel=2)
        yield from _here(function, items)
        return
    killers: list[int] = []
    yield from _together(workers, items, left, killers, function)
    for place in killers:
        yield place, _alone(function, items[place])


def _together(
    workers: list[_Worker],
    items: Sequence[Item],
    left: deque[int],
    killers: list[int],
    function: Callable[[Item], Result],
) -> Iterator[tuple[int, Any]]:
    """Keep every worker busy until nothing is left. Whoever dies is replaced, and its item goes to ``killers``."""
    try:
        busy: dict[Connection, _Worker] = {}
        idle = workers
        while left or busy:
            while left and idle:
                worker = idle.pop()
                busy[worker.pipe] = worker
                worker.begin(left.popleft(), items)
            for pipe in wait(list(busy)):
                worker = busy.pop(pipe)  # type: ignore[call-overload]
                try:
                    result = worker.finish()
                except WorkerKilledError:
                    killers.append(worker.place)
                    worker.end()
                    idle += _start(1, function) if left else []
                else:
                    idle.append(worker)
                    yield worker.place, result
    finally:
        for worker in [*busy.values(), *idle]:
            worker.end()


def _alone(function: Callable[[Item], Result], item: Item) -> Any:
    """The result of an item in a process of its own, which it may kill."""
    (worker,) = _start(1, function)
    try:
        worker.begin(0, [item])
        return worker.finish()
    except WorkerKilledError as error:
        return error
    finally:
        worker.end()


class _Worker:
    """A process that works on one item at a time, handed to it through a pipe of its own.

    Workers share no queue and no lock: whatever one dies of, the others go on, and the item that it held is known.
    (concurrent.futures' pool may wait for ever for a worker that it started while another was dying.)
    """

    def __init__(self, context: Any, packed: bytes) -> None:
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, packed), daemon=True)
        self.place = -1
        self.process.start()
        theirs.close()

    def begin(self, place: int, items: Sequence[Any]) -> None:
        """Hand out the item at ``place``. A worker that has died is found by :meth:`finish`."""
        self.place = place
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it died while it was idle
            self.pipe.send(items[place])

    def finish(self) -> Any:
        """What became of the item in hand.

        :raises WorkerKilledError: the process died over it.
        """
        try:
            return pickle.loads(self.pipe.recv_bytes())
        except (EOFError, OSError):
            raise WorkerKilledError(
                "the worker process was killed while it worked on this",
                hints=["Most often memory ran out: try fewer workers, or leave this one out."],
            ) from None
        except Exception as error:  # a result that cannot be unpacked here
            return error

    def end(self) -> None:
        """Stop the process, whatever it is at."""
        self.pipe.close()
        self.process.terminate()
        self.process.join()


def _start(count: int, function: Callable[[Item], Result]) -> list[_Worker]:
    """Workers that are ready for their first item.

    :raises WorkersUnavailableError: they do not start.
    """
    # Forking this process would copy torch's locks and threads in whatever state they are.
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    # Imported once, in the process that workers are forked from.
    context.set_forkserver_preload([getattr(function, "__module__", type(function).__module__)])
    packed = pickle.dumps(function)
    workers = [_Worker(context, packed) for _ in range(count)]
    try:
        for worker in workers:
            worker.finish()
    except WorkerKilledError:
        for worker in workers:
            worker.end()
        raise WorkersUnavailableError(
            "worker processes cannot be started",
            hints=["A worker imports the script that started it: call mlfp below `if __name__ == '__main__':` there."],
        ) from None
    return workers


def _serve(pipe: Connection, packed: bytes) -> None:
    """In a worker: say that it has started, then work on what comes until the other end closes.

    Ctrl-C is left to the parent, and the cores to the other workers. The function is unpacked with the first item, so
    that a failure to import it is that item's.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for library in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    function: Any = None
    pipe.send(None)
    while True:
        try:
            item = pipe.recv_bytes()
        except EOFError:
            return
        try:
            if function is None:
                function = pickle.loads(packed)
            answer = pickle.dumps(function(pickle.loads(item)))
        except Exception as error:  # reported in place of the result
            answer = _packed_error(error)
        try:
            pipe.send_bytes(answer)
        except BrokenPipeError:  # nobody waits for it any more
            return


def _packed_error(error: Exception) -> bytes:
    """An exception as bytes; one that cannot be packed and unpacked keeps its kind and its words."""
    try:
        packed = pickle.dumps(error)
        pickle.loads(packed)
    except Exception:  # whatever its own class does in there
        return pickle.dumps(RuntimeError(f"{type(error).__name__}: {error}"))
    return packed
