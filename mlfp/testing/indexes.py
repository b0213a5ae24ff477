"""The contract of indexes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from mlfp.interfaces.index import Index
from mlfp.testing.contract import name_of, reported, require, vectors

_SCANS = 40


def check_index(make: Callable[[], Index], folder: Path, *, exact: bool = True) -> None:
    """Check what makes an index against :mod:`mlfp.interfaces.index`.

    :param make: makes an empty one, for the metric ``cosine``.
    :param folder: an empty folder to save in.
    :param exact: whether every nearest neighbour has to be found; otherwise a vector has to find itself.
    :raises ContractError: neighbours are wrong or in the wrong order, a removed id is found, or a saved index answers
        otherwise.
    """
    name, rows = name_of(make), vectors(_SCANS)
    ids = [f"scan-{place}" for place in range(_SCANS)]
    index = make()
    with reported(f"{name}.add and search"):
        index.add(ids[:25], rows[:25])
        index.add(ids[25:], rows[25:])
        found, scores = index.search(rows, 5)
    require(found.shape == scores.shape == (_SCANS, 5), f"{name}.search should give (Q, k) = ({_SCANS}, 5)")
    require(list(found[:, 0]) == ids, f"{name}: a stored vector should be its own nearest neighbour")
    require(bool((np.diff(scores, axis=1) <= 1e-6).all()), f"{name}: similarities should come best first")
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    wanted = np.array(ids)[np.argsort(-(unit @ unit.T), axis=1)[:, :5]]
    require(not exact or bool((found == wanted).all()), f"{name} does not find the nearest neighbours")
    with reported(f"{name}.search(where=...)"):
        allowed, _ = index.search(rows, 3, where=lambda item: int(item.split("-")[1]) >= 20)
    require(all(int(item.split("-")[1]) >= 20 for item in allowed.flat), f"{name}.search gives ids outside 'where'")
    with reported(f"{name}.save and load"):
        index.save(folder / "index")
        other = make()
        other.load(folder / "index")
        again, _ = other.search(rows, 5)
    require(bool((again == found).all()), f"{name} answers otherwise once saved and loaded")
    with reported(f"{name}.remove"):
        index.remove(ids[:3])
        left, _ = index.search(rows, 5)
    require(not set(ids[:3]) & set(left.flat), f"{name} still finds what was removed")
