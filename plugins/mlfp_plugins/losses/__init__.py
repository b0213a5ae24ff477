"""Built-in losses, one a file."""

from __future__ import annotations

from mlfp.hookspecs import Register, hookimpl


@hookimpl
def register_losses(register: Register) -> None:
    """Offer them."""
    _register_on_pairs(register)
    _register_on_views(register)
    _register_on_proxies(register)


def _register_on_pairs(register: Register) -> None:
    register(
        "triplet",
        "mlfp_plugins.losses.triplet:TripletLoss",
        summary="Positives nearer than negatives by a margin; mean over all triplets.",
        paper="Gaspar Alves et al. 2025, Few-Shot Fingerprinting, equation 1; after Schroff et al. 2015, FaceNet",
        aliases=("triplet-margin",),
    )
    register(
        "contrastive",
        "mlfp_plugins.losses.contrastive:ContrastiveLoss",
        summary="Positives within one margin, negatives beyond another.",
        paper="Hadsell, Chopra & LeCun 2006, Dimensionality Reduction by Learning an Invariant Mapping; with a "
        "cross-batch memory Packhäuser et al. 2022, Scientific Reports 12:14851",
    )
    register(
        "infonce",
        "mlfp_plugins.losses.infonce:InfoNCELoss",
        summary="The positive among all negatives of the batch, by softmax.",
        paper="van den Oord, Li & Vinyals 2018, Contrastive Predictive Coding",
    )
    register(
        "infonce-triplet",
        "mlfp_plugins.losses.infonce_triplet:InfoNCETripletLoss",
        summary="The positive against the one negative that the miner chose, by softmax.",
        paper="Puglisi et al. 2023, DeepBrainPrint, equation 3",
    )
    register(
        "supcon",
        "mlfp_plugins.losses.supcon:SupConLoss",
        summary="Each of an anchor's positives among all other rows, by softmax.",
        paper="Khosla et al. 2020, Supervised Contrastive Learning",
    )
    register(
        "multi-similarity",
        "mlfp_plugins.losses.multi_similarity:MultiSimilarityLoss",
        summary="Soft thresholds on positives and negatives, the worst of each weighing most.",
        paper="Wang et al. 2019, Multi-Similarity Loss with General Pair Weighting for Deep Metric Learning",
    )


def _register_on_views(register: Register) -> None:
    register(
        "barlow-twins",
        "mlfp_plugins.losses.barlow_twins:BarlowTwinsLoss",
        summary="Two views correlate in each component, and components not with each other; no labels.",
        paper="Puglisi et al. 2023, DeepBrainPrint, equation 2; after Zbontar et al. 2021, Barlow Twins",
    )
    register(
        "nt-xent",
        "mlfp_plugins.losses.nt_xent:NTXentLoss",
        summary="A scan's other view among all other rows of two views, by softmax (SimCLR); no labels.",
        paper="Chen et al. 2020, A Simple Framework for Contrastive Learning of Visual Representations",
        aliases=("simclr",),
    )
    register(
        "vicreg",
        "mlfp_plugins.losses.vicreg:VICRegLoss",
        summary="Two views agree, components vary, and components do not repeat each other; no labels.",
        paper="Bardes, Ponce & LeCun 2022, VICReg",
    )


def _register_on_proxies(register: Register) -> None:
    register(
        "proxy-nca",
        "mlfp_plugins.losses.proxy_nca:ProxyNCALoss",
        summary="The subject's learned proxy among all subjects' proxies, by softmax.",
        paper="Movshovitz-Attias et al. 2017, No Fuss Distance Metric Learning using Proxies",
    )
    register(
        "soft-triple",
        "mlfp_plugins.losses.soft_triple:SoftTripleLoss",
        summary="The subject among all, by softmax; each has several learned centres.",
        paper="Qian et al. 2019, SoftTriple Loss: Deep Metric Learning Without Triplet Sampling",
    )
    register(
        "arcface",
        "mlfp_plugins.losses.arcface:ArcFaceLoss",
        summary="The subject's learned direction among all, by softmax, with a margin in the angle.",
        paper="Deng et al. 2019, ArcFace: Additive Angular Margin Loss for Deep Face Recognition",
    )
