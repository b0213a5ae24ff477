"""Built-in observers, one a file."""

from __future__ import annotations

from mlfp.hookspecs import Register, hookimpl


@hookimpl
def register_observers(register: Register) -> None:
    """Offer them."""
    register(
        "tensorboard",
        "mlfp_plugins.observers.tensorboard:TensorBoard",
        summary="Learning curves for TensorBoard.",
        paper="Abadi et al. 2016, TensorFlow: A System for Large-Scale Machine Learning, OSDI",
        extras=("tensorboard",),
    )
