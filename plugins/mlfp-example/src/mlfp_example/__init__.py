"""An example of a plugin for mlfp: one loss.

mlfp finds this module by the entry point in setup.cfg and calls the hook below. Nothing here imports torch: the loss is
named as text, and its module is imported when a configuration uses it.
"""

from mlfp import hookimpl
from mlfp.hookspecs import Register


@hookimpl
def register_losses(register: Register) -> None:
    """Offer ``example/soft-margin``."""
    register(
        "soft-margin",
        "mlfp_example.soft_margin:SoftMarginTripletLoss",
        summary="Triplet loss without a margin to choose: it keeps pulling, ever more gently.",
        paper="Hermans, Beyer & Leibe 2017, In Defense of the Triplet Loss for Person Re-Identification",
        aliases=("soft-margin-triplet",),
    )
