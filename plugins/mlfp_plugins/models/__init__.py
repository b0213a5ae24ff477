"""Published fingerprints, one a file of weights with its card beside it."""

from __future__ import annotations

from mlfp.hookspecs import OWN, Register, hookimpl


@hookimpl
def register_models(register: Register) -> None:
    """Offer them."""
    register(
        "brain-v1",
        "mlfp_plugins.models.brain_v1:brain_v1",
        summary="Heads and brains in 3D MRI of any contrast, in any pose: benchmarks/pretrain.",
        paper=OWN,
        dims=(3,),
        domains=("brain-mri",),
    )
