"""Built-in losses, one a file."""

from __future__ import annotations

from mlfp.hookspecs import Register, hookimpl


@hookimpl
def register_losses(register: Register) -> None:
    """Offer them."""
    register(
        "triplet",
        "mlfp_plugins.losses.triplet:TripletLoss",
        summary="Positives nearer than negatives by a margin; mean over all triplets.",
        paper="Bausch et al. 2025, Few-Shot Fingerprinting, equation 1; after Schroff et al. 2015, FaceNet",
        aliases=("triplet-margin",),
    )
    register(
        "contrastive",
        "mlfp_plugins.losses.contrastive:ContrastiveLoss",
        summary="Positives within one margin, negatives beyond another.",
        paper="Hadsell, Chopra & LeCun 2006, Dimensionality Reduction by Learning an Invariant Mapping",
    )
    register(
        "infonce",
        "mlfp_plugins.losses.infonce:InfoNCELoss",
        summary="The positive among all negatives of the batch, by softmax (NT-Xent).",
        paper="van den Oord, Li & Vinyals 2018, Contrastive Predictive Coding",
        aliases=("nt-xent",),
    )
    register(
        "infonce-triplet",
        "mlfp_plugins.losses.infonce_triplet:InfoNCETripletLoss",
        summary="The positive against the one negative that the miner chose, by softmax.",
        paper="Puglisi et al. 2023, DeepBrainPrint, equation 3",
    )
