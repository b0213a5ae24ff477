"""The contract of observers."""

from __future__ import annotations

from pathlib import Path

from mlfp.interfaces.observer import Observer
from mlfp.testing.contract import name_of, reported, require


def check_observer(observer: Observer, folder: Path) -> None:
    """Check an observer against :mod:`mlfp.interfaces.observer`: a run of three steps, and its resumption.

    :param folder: an empty folder that stands for the run's.
    :raises ContractError: it lacks a method, or one fails.
    """
    name = name_of(observer)
    for method in ("run_started", "step_finished", "run_finished"):
        require(callable(getattr(observer, method, None)), f"{name} has no method {method}")
    settings = {"encoder": {"use": "mlfp/compact-2d", "embedding_dim": 128}, "train": {"epochs": 3}}
    for started in ("a run", "its resumption"):
        with reported(f"{name} during {started}"):
            observer.run_started("triplet", folder, settings)
            for step in range(3):
                observer.step_finished(step, {"loss": 1.0 / (step + 1), "triplet.kept": 0.5, "rate": 1e-3})
            observer.run_finished({"map_at_r": 0.5})
