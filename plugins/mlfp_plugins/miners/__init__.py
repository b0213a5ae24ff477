"""Built-in miners, one a file."""

from __future__ import annotations

from mlfp.hookspecs import Register, hookimpl


@hookimpl
def register_miners(register: Register) -> None:
    """Offer them."""
    register(
        "batched-hard",
        "mlfp_plugins.miners.batched_hard:BatchedHardMiner",
        summary="For each pair, a random one of the other subjects' anchors that is at most as far as the positive.",
        paper="Gaspar Alves et al. 2025, Few-Shot Fingerprinting, Algorithm 1",
    )
    register(
        "easy-positive-semihard",
        "mlfp_plugins.miners.easy_positive_semihard:EasyPositiveSemihardMiner",
        summary="For each anchor, the nearest positive and the nearest negative beyond it.",
        paper="Xuan, Stylianou & Pless 2020, Improved Embeddings with Easy Positive Triplet Mining",
        aliases=("epshn",),
        version=2,  # exact ties
    )
