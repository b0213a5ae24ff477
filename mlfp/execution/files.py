"""Writing files that are whole or not there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def whole(path: Path, *, durable: bool = True) -> Iterator[IO[bytes]]:
    """A file to write to that takes the place of ``path`` when the block ends well, and is gone when it does not.

    Several processes may write the same path: each has a draft of its own, and the last to end counts.

    :param path: its folder is made if missing.
    :param durable: wait until the disk has it, so that it outlives a loss of power; what can be made again need not.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        # mkstemp makes files for the owner alone; a result is for whoever may read the folder.
        Path(name).chmod(0o666 & ~_umask())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_atomically(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Write a file so that whoever reads it, even after a crash, finds the old content or the new.

    :param path: its folder is made if missing.
    :param durable: as in :func:`whole`.
    """
    with whole(path, durable=durable) as file:
        file.write(content)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
